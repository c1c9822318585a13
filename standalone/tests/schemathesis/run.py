"""Schemathesis against a server of its own: no failure, and every operation that is described succeeds at least once.

    python run.py --recap target/debug/recap [--max-examples 10] [--seed 1]
"""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

SOCKET = "/ws/summarize"
HERE = pathlib.Path(__file__).resolve().parent


def start(recap: str, folder: str):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = {
        "PATH": os.environ["PATH"],
        "LISTEN_ADDR": address,
        "STORE_URL": f"embedded:{folder}/data",
        "RATE_LIMIT_KEY": "0",
        "RATE_LIMIT_ANONYMOUS": "0",
        "SUMMARY_IDLE": "150ms",
        "LOG_LEVEL": "warn",
        "LOG_FORMAT": "json",
    }
    command = [recap, "keys", "create", "--tenant", "public", "--scopes", "write,read,admin"]
    key = subprocess.run(command, env=settings, check=True, capture_output=True, text=True).stdout.strip()
    log = open(f"{folder}/log", "w", encoding="utf-8")
    server = subprocess.Popen([recap], env=settings, stderr=log, stdout=log)
    origin = f"http://{address}"
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{origin}/readyz", timeout=5).read()
            return server, origin, key
        except OSError:
            if time.monotonic() > until or server.poll() is not None:
                sys.exit("the server did not start:\n" + pathlib.Path(f"{folder}/log").read_text())
            time.sleep(0.05)


def described(origin: str) -> list[str]:
    document = json.load(urllib.request.urlopen(f"{origin}/openapi.json", timeout=60))
    paths = document["paths"].items()
    return [f"{name.upper()} {path}" for path, item in paths for name in item if name != "parameters"]


def upgrade(origin: str, key: str) -> int:
    """The status of a WebSocket's handshake, which no HTTP client goes through with: frames have tests of their own."""
    host, port = origin.removeprefix("http://").split(":")
    head = [f"GET {SOCKET}?conversation_id=c HTTP/1.1", f"host: {host}", f"x-api-key: {key}", "connection: upgrade"]
    head += ["upgrade: websocket", "sec-websocket-version: 13", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", "", ""]
    with socket.create_connection((host, int(port)), timeout=60) as stream:
        stream.sendall("\r\n".join(head).encode())
        return int(stream.recv(12).split()[1])


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--recap", required=True)
    options.add_argument("--max-examples", default="10")
    options.add_argument("--seed", default="1")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server, origin, key = start(given.recap, folder)
        operations = described(origin)
        environment = dict(os.environ, RECAP_ORIGIN=origin, RECAP_KEY=key, RECAP_SEEN=f"{folder}/seen")
        environment.update(PYTHONPATH=str(HERE), SCHEMATHESIS_HOOKS="hooks", NO_COLOR="1")
        command = [str(pathlib.Path(sys.executable).with_name("schemathesis")), "run", f"{origin}/openapi.json"]
        command += ["--max-examples", given.max_examples, "--seed", given.seed, "--header", f"X-API-Key: {key}"]
        command += ["--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"]
        command += ["--exclude-path", SOCKET]
        result = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
        upgraded = upgrade(origin, key)
        alive = server.poll() is None
        server.terminate()
        stopped = server.wait(timeout=60)
        seen = json.loads(pathlib.Path(f"{folder}/seen").read_text())
        log = pathlib.Path(f"{folder}/log").read_text()
    if result.returncode != 0:
        sys.exit(f"{result.stdout}\n{result.stderr}\n{log}")
    seen[f"GET {SOCKET}"] = {str(upgraded): 1}
    # Schemathesis does not call what it reads the description from; it was read above, and by Schemathesis.
    seen["GET /openapi.json"] = {"200": 2}
    never = []
    for operation in operations:
        counts = seen.get(operation, {})
        print(f"{operation:45} " + ", ".join(f"{count} of {status}" for status, count in counts.items()))
        # A WebSocket is answered with 101.
        if not any(status.startswith("2") or status == "101" for status in counts):
            never.append(operation)
    calls = sum(sum(counts.values()) for counts in seen.values())
    print(f"{len(operations)} operations, {calls} calls, no failure")
    if never:
        sys.exit("never succeeded: " + ", ".join(never))
    if not alive or stopped != 0:
        sys.exit(f"the server did not live on, or did not end well ({stopped}):\n{log}")


main()
