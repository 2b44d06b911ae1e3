"""`python -m rwsan`: the command, as `rwsan` starts it."""

from rwsan.command import main

main()
