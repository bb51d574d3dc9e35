"""`python -m bench.hashing NUMBER` prints the rate of bcrypt alone, in hashes per second.

It uses the user service's cost, all cores, and the low priority of the user service's threads, so
that other programs on the machine slow both down equally.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import bcrypt

COST = 12
PRIORITY = 5


def main(number: int) -> None:
    """Compute `number` hashes, and print the rate in hashes per second."""
    os.nice(PRIORITY)
    salt = bcrypt.gensalt(COST)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        start = time.perf_counter()
        list(threads.map(lambda _: bcrypt.hashpw(b"securepass123", salt), range(number)))
        print(number / (time.perf_counter() - start))


if __name__ == "__main__":
    main(int(sys.argv[1]))
