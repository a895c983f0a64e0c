"""How long a scrape takes on connections that stay open, as Prometheus keeps them: of an exporter that runs.

    python benches/kept_alive.py http://127.0.0.1:10469/metrics [--connections 20] [--scrapes 50]

Every connection scrapes over and over, all at once, with gzip and without. An answer whose end waits until the other side
confirms its beginning (Nagle's algorithm against delayed acknowledgements) shows as a 99th percentile of 40 ms.
"""

import argparse
import http.client
import threading
import time
from urllib.parse import urlsplit


def scrape(address, path, encoding, scrapes, took, sizes):
    connection = http.client.HTTPConnection(address, timeout=60)
    for _ in range(scrapes):
        started = time.perf_counter()
        connection.request("GET", path, headers={"Accept-Encoding": encoding})
        body = connection.getresponse().read()
        took.append(time.perf_counter() - started)
        sizes.append(len(body))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--scrapes", type=int, default=50)
    given = parser.parse_args()
    url = urlsplit(given.url)
    for encoding in ("identity", "gzip"):
        took, sizes = [], []
        work = (url.netloc, url.path, encoding, given.scrapes, took, sizes)
        threads = [threading.Thread(target=scrape, args=work) for _ in range(given.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took.sort()
        p50, p99 = (1000 * took[int(q * len(took))] for q in (0.5, 0.99))
        print(f"{encoding:<9} {len(took)} scrapes of {max(sizes):,} bytes: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


if __name__ == "__main__":
    main()
