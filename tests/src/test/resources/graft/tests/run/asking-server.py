"""Opens files and connects for those who ask over HTTP; answers with the error's number, 0 or what is asked for when there is none."""
import http.server
import os
import socket
import urllib.parse


def opened(path):
    with open(path):
        return 0


def content(path):
    with open(path) as file:
        return file.read()


def connected(port):
    with socket.socket() as one:
        one.connect(("127.0.0.1", int(port)))
        return 0


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        what, _, argument = self.path[1:].partition("?")
        try:
            code = {"open": opened, "content": content, "connect": connected}[what](urllib.parse.unquote(argument))
        except OSError as error:
            code = error.errno
        body = str(code).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
print(os.getpid(), server.server_port, flush=True)
server.serve_forever()
