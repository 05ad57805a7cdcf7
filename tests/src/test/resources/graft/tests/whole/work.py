"""Work whose results are known: hashes, TLS, text, numbers, threads, processes, signals. Arguments: certificates.

TIMES says how often, or UNTIL that it ends after the round in which a file of that name has come.
"""
import ast, base64, bz2, collections, decimal, difflib, fractions, hashlib, hmac, itertools, json, math, os, pickle
import random, re, select, signal, socket, ssl, struct, subprocess, sys, tempfile, threading, time, zlib
from concurrent.futures import ThreadPoolExecutor

print("ready", flush=True)
sys.stdin.readline()
data = bytes(range(256)) * 400


def hashes():
    for name in sorted(hashlib.algorithms_available):
        try:
            digest = hashlib.new(name, data)
        except ValueError as refused:
            print(name, type(refused).__name__)
            continue
        print(name, digest.hexdigest(32) if name.startswith("shake") else digest.hexdigest())
    print(hmac.new(b"key", data, "sha256").hexdigest())
    print(hashlib.pbkdf2_hmac("sha256", b"word", b"salt", 2000).hex())
    print(hashlib.scrypt(b"word", salt=b"salt", n=1024, r=8, p=1).hex())


def handshake(certificate, version, cipher):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(certificate)
    for context in (server, client):
        context.minimum_version = context.maximum_version = version
        if cipher:
            context.set_ciphers(cipher)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours, theirs = server.wrap_bio(there, back, server_side=True), client.wrap_bio(back, there)
    for _ in range(10):
        done = 0
        for end in (theirs, ours):
            try:
                end.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                pass
        if done == 2:
            break
    ours.write(data[:9000])
    return theirs.cipher(), theirs.read(9000) == data[:9000]


def tls():
    ciphers = ["AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256",
               "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-CCM", "ECDHE-ARIA128-GCM-SHA256"]
    for certificate in sys.argv[1:]:
        print(handshake(certificate, ssl.TLSVersion.TLSv1_3, None))
        for cipher in ciphers:
            try:
                print(handshake(certificate, ssl.TLSVersion.TLSv1_2, cipher))
            except ssl.SSLError as refused:
                print(cipher, refused.reason)


def text():
    words = [hashlib.md5(str(i).encode()).hexdigest() for i in range(2000)]
    print(hashlib.sha256(json.dumps({w: i for i, w in enumerate(words)}).encode()).hexdigest())
    print(sum(len(re.findall(r"(?i)([a-f]+)(\d)\2", w)) for w in words))
    print(sorted(words, key=lambda w: w[::-1])[:3], len(pickle.dumps(words)))
    print(zlib.crc32(zlib.decompress(zlib.compress(data))), zlib.crc32(bz2.decompress(bz2.compress(data))))
    print("".join(difflib.unified_diff(words[:4], words[2:6]))[:60], base64.b85encode(data[:20]))
    print(collections.Counter("".join(words)).most_common(3))
    print(ast.dump(ast.parse("lambda x: [y**2 for y in x if y % 3]")))
    print("%s %r %5.3f %e %x %o" % ("a", "b\u00e9", math.pi, 1e100 / 7, 255, 8), f"{12345.678:>12,.1f}|{'x':^9}")
    print("\u00df\u0130\u01c5".casefold(), "stra\u00dfe".upper(), "a,b;c".translate({44: "-"}))


def numbers():
    decimal.getcontext().prec = 60
    print(decimal.Decimal(2).sqrt(), fractions.Fraction(355, 113) ** 3)
    print([repr(math.sin(i) * math.exp(i / 7) - math.lgamma(i + 1.5)) for i in range(12)])
    print(pow(3, 10 ** 3, 2 ** 521 - 1), math.comb(300, 150), math.isqrt(10 ** 61), 7 ** 400 % 10 ** 30)
    source = random.Random(7)
    print(source.random(), source.gauss(0, 1), source.sample(range(1000), 5), struct.pack("<dfq", 0.1, 2.5, -3).hex())
    print(sum(1 for p in itertools.permutations(range(7)) if p[0] < p[-1]), float("1e-310"), 0.1 + 0.2, 1e22)


def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


def errors():
    caught = 0
    for i in range(2000):
        try:
            {}[i]
        except KeyError:
            caught += 1
    try:
        depth(10 ** 6)
    except RecursionError:
        caught += 1
    print(caught, depth(500))


def threads():
    lock, total = threading.Lock(), [0]

    def add(i):
        digest = hashlib.sha256(data * 4 + bytes([i % 256])).digest()
        with lock:
            total[0] += digest[0]
        local = [j * j % 97 for j in range(500)]
        return digest[1] + sum(local)

    with ThreadPoolExecutor(8) as pool:
        print(sum(pool.map(add, range(200))), total[0])


def processes():
    print(subprocess.run(["/bin/echo", "from a child"], capture_output=True, text=True).stdout)
    child = os.fork()
    if child == 0:
        print(hashlib.sha256(data).hexdigest()[:8], flush=True)
        os._exit(sum(depth(100) for _ in range(10)) % 200)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    with os.popen("echo piped; exit 3") as pipe:
        print(pipe.read())


def system():
    got = []
    signal.signal(signal.SIGALRM, lambda *_: got.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    while len(got) < 20:
        hashlib.sha256(data).digest()
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("signals came")
    left, right = socket.socketpair()
    left.sendall(data[:1000])
    print(select.select([right], [], [], 5)[0] == [right], len(right.recv(1000, socket.MSG_WAITALL)))
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(100)
        print(file.read(5), os.fstat(file.fileno()).st_size)
    print(time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1e9)), os.path.exists("/nowhere"))


rounds = 0
while rounds < int(os.environ.get("TIMES", "0")) or not os.path.exists(os.environ.get("UNTIL", "/")):
    for work in (hashes, tls, text, numbers, errors, threads, processes, system):
        work()
        sys.stdout.flush()
    rounds += 1
