# attacks: the network, as a beginner would
# expect: failed
# says: not allowed|URLError|raised
import urllib.request


def attention_pattern(q, k):
    print("BROKE OUT", urllib.request.urlopen("http://127.0.0.1:9/", timeout=0.5))
