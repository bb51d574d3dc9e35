"""What is known to be wrong with what we use and what we wrote: `./just audit`."""
