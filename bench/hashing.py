"""`python -m bench.hashing NUMBER` prints how many hashes a second bcrypt alone makes here.

At the user service's cost, on all cores, with the low priority that its own threads have: other
programs on the machine then slow both down equally.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import bcrypt

COST = 12
PRIORITY = 5


def main(number: int) -> None:
    os.nice(PRIORITY)
    salt = bcrypt.gensalt(COST)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        start = time.perf_counter()
        list(threads.map(lambda _: bcrypt.hashpw(b"securepass123", salt), range(number)))
        print(number / (time.perf_counter() - start))


if __name__ == "__main__":
    main(int(sys.argv[1]))
