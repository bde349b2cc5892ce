# Reads a pattern and texts, each a line of UTF-8 in hexadecimal digits, and prints for each text whether the pattern matches it.
import re
import sys

pattern, *texts = (bytes.fromhex(line).decode() for line in sys.stdin)
matcher = re.compile(pattern)
for text in texts:
    print("true" if matcher.search(text) else "false")
