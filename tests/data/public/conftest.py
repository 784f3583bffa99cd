"""What the tests of downloads share: a server of this machine, and the command."""

import http.server
import threading

import pytest

from tocsin.cli import main


@pytest.fixture
def server():
    """Serves ``files``; sends at most ``cut`` bytes an answer; ``asked`` are the ranges that were asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.server.files.get(self.path)
            wanted = self.headers.get("Range")
            self.server.asked.append(wanted)
            if body is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.end_headers()
            self.wfile.write(body[start : start + (self.server.cut or len(body))])
            self.close_connection = True

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        found.files, found.cut, found.ranges, found.asked = {}, None, True, []
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def run(monkeypatch):
    """A function that runs ``tocsin`` with words and returns the exit code."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["tocsin", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code

    return run
