"""Events of one command and its children on Linux, told by strace: a child process of its own.

    python -m estui.sources.strace --lines FD --words FD [--failed] [--types a,b] -- COMMAND…

Its standard streams are the command's. FD `lines` gets eslogger-shaped JSON lines, FD `words` gets sentences for
people, and lines that begin with `estui: ` for estui (see `__main__`). Its exit status is the command's.
"""
