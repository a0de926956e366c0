# attacks: the machine, by running programs
# expect: failed
# says: not allowed
import subprocess
import sys


def attention_pattern(q, k):
    print("BROKE OUT", subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True))
