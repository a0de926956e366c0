# attacks: the exit code, before anything is asked
# expect: stopped
# says: ended its own process
import os

os._exit(0)
