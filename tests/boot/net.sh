#!/usr/bin/env bash
# tests/boot/net.sh BUILD_DIR: Linux with a network card on user networking, and a virtio console.
# shellcheck disable=SC2016 # it is the guest's shell that expands what is said to it
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
prepare_guest
if [[ ! -e $cache/modules/virtio_net.ko ]]; then
    skip "the network: the fetched kernel has no virtio_net module"
    finish
fi

# --- the world: a server on the loopback, and a client ------------------------------------------
cat >"$work/world.py" <<'PYTHON'
"""world.py serve FILE PORTS: GET gives FILE, POST answers with the body's digest; a port that reads
slowly and answers with how much there was; a datagram port that answers as TFTP servers do.
world.py get PORT LOG OUT: once the guest says that it serves, fetches its file, ten at once.
world.py port: a port that nobody has."""
import hashlib, http.server, socket, sys, threading, time, urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(open(sys.argv[2], "rb").read())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(hashlib.sha256(body).hexdigest().encode() + b"\n")

    def log_message(self, *args):
        pass


def count(listener):
    while True:
        one, _ = listener.accept()
        total, wanted = 0, int(one.makefile("rb", buffering=0).readline())
        time.sleep(1)
        while total < wanted:
            total += len(one.recv(20000))
            time.sleep(0.001)
        one.sendall(b"%d bytes\n" % total)
        one.close()


def datagrams(one):
    while True:
        request, peer = one.recvfrom(600)
        if request[:2] == b"\0\1":
            one.sendto(b"\0\3\0\1question " + request[2:].split(b"\0")[0], peer)


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener = socket.create_server(("127.0.0.1", 0))
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("127.0.0.1", 0))
    threading.Thread(target=count, args=[listener], daemon=True).start()
    threading.Thread(target=datagrams, args=[one], daemon=True).start()
    ports = [server.server_address[1], listener.getsockname()[1], one.getsockname()[1]]
    open(sys.argv[3], "w").write("%d %d %d\n" % tuple(ports))
    server.serve_forever()


def get():
    while "serving: http" not in open(sys.argv[3], errors="replace").read():
        time.sleep(0.1)
    digests, url = [], "http://127.0.0.1:%s/" % sys.argv[2]

    def fetch():
        body = urllib.request.urlopen(url + "given", timeout=60).read()
        digests.append(hashlib.sha256(body).hexdigest())

    threads = [threading.Thread(target=fetch) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same = "%d times %s" % (len(digests), digests[0]) if len(set(digests)) == 1 else "differ"
    open(sys.argv[4], "w").write(same)
    urllib.request.urlopen(url + "cgi-bin/done", timeout=60).read()


def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        print(one.getsockname()[1])


{"serve": serve, "get": get, "port": port}[sys.argv[1]]()
PYTHON

helpers=()
stop_helpers() {
    for one in "${helpers[@]}"; do kill "$one" 2>/dev/null || true; done
}
trap 'stop_helpers; clean_up' EXIT

head -c 3000000 /dev/urandom >"$work/from_host"
python3 "$work/world.py" serve "$work/from_host" "$work/ports" &
helpers+=($!)
for _ in {1..100}; do
    [[ ! -s $work/ports ]] || break
    sleep 0.1
done
read -r server counter datagrams <"$work/ports"
tcp_in=$(python3 "$work/world.py" port)
: >"$work/log"
python3 "$work/world.py" get "$tcp_in" "$work/log" "$work/fetched" 2>"$work/get.err" &
helpers+=($!)

# --- one boot, and a reboot: addresses, out, in, a flood, the second console ----------------------
cat >"$work/net.ini" <<EOF
include = $PWD/machines/virt.ini

[device console2]
plugin = virtio-console
bus = virtio-mmio
char = log

[backend log]
plugin = char-file
path = $work/hvc
EOF
machine=$work/net.ini
talk --set net=user --set "hostfwd=tcp:127.0.0.1:$tcp_in-:80" -- "1 "'
echo "address: $(ip -4 -o address show dev eth0 | awk "{ print \$4 }")"
echo "gateway: $(ip route | awk "/^default/ { print \$3 }")"
echo "names: $(awk "{ print \$2 }" /etc/resolv.conf)"
echo "card: $(cat /sys/class/net/eth0/mtu /sys/class/net/eth0/carrier | xargs)"
mac=$(cat /sys/class/net/eth0/address)
echo "mac: $mac"
wget -q -O /tmp/given http://10.0.2.2:'"$server"'/file
echo "fetched: $(sha256sum </tmp/given | cut -d" " -f1)"
base64 /tmp/given >/tmp/text
echo "text: $(sha256sum </tmp/text | cut -d" " -f1)"
echo "posted: $(wget -q -O - --post-file=/tmp/text http://10.0.2.2:'"$server"'/)"
for i in $(seq 20); do wget -q -O - http://10.0.2.2:'"$server"'/ | sha256sum >>/tmp/sums & done
wait
echo "at once: $(wc -l </tmp/sums) $(sort -u /tmp/sums | wc -l)"
ping -q -c 3 10.0.2.2 >/tmp/ping; echo "ping: $(grep -o "3 packets received" /tmp/ping)"
tftp -g -l /tmp/answer -r of-the-guest 10.0.2.2 '"$datagrams"' && echo "datagram: $(cat /tmp/answer)"
echo "counted: $( (echo 8000000; dd if=/dev/zero bs=1000 count=8000) 2>/dev/null | nc 10.0.2.2 '"$counter"')"
seq 1 200 >/dev/hvc0
mkdir /tmp/cgi-bin
printf "#!/bin/sh\necho; >/tmp/done\n" >/tmp/cgi-bin/done && chmod +x /tmp/cgi-bin/done
httpd -p 80 -h /tmp; echo "serving: http"
for i in $(seq 300); do [ -e /tmp/done ] && break; sleep 0.1; done; sleep 0.3
reboot' "2 "'
echo "again: $(wget -q -O - http://10.0.2.2:'"$server"'/file | sha256sum | cut -d" " -f1)"
echo "mac again: $(cat /sys/class/net/eth0/address)"
poweroff'
digest=$(sha256sum <"$work/from_host" | cut -d' ' -f1)
check "Linux with a network boots, reboots and ends with status 0 ($took s)" is_equal 0 "$status"
check "DHCP gives the address" is_equal 10.0.2.15/24 "$(said address)"
check "and the gateway" is_equal 10.0.2.2 "$(said gateway)"
check "and the name server" is_equal 10.0.2.3 "$(said names)"
check "the card has the network's MTU, and its link is up" is_equal "1500 1" "$(said card)"
check "a file comes over HTTP from the host's loopback" is_equal "$digest" "$(said fetched)"
check "and goes the other way" is_equal "$(said text)" "$(said posted)"
check "twenty at once do" is_equal "20 1" "$(said 'at once')"
check "the gateway answers pings" is_equal "3 packets received" "$(said ping)"
check "a datagram goes out and its answer comes back" \
    is_equal "question of-the-guest" "$(said datagram)"
check "a peer that reads slowly gets every byte" is_equal "8000000 bytes" "$(said counted)"
check "ten at once come in over a forwarded port" \
    is_equal "10 times $digest" "$(cat "$work/fetched" 2>/dev/null)"
check "the network works after a reboot" is_equal "$digest" "$(said again)"
check "the card's address is of its own and stays" \
    is_equal "02: $(said mac)" "$(said mac | cut -c1-3) $(said 'mac again')"
check "what is written to the virtio console arrives whole" \
    is_equal "$(seq 1 200 | sha256sum)" "$(tr -d '\r' <"$work/hvc" | sha256sum)"

# --- what cannot be -------------------------------------------------------------------------------
machine=virt
talk --set net=user --set "hostfwd=tcp:127.0.0.1:$server-:80" --
check "a forwarded port that is taken is refused" is_equal 1 "$status"
check "with a sentence that names it" \
    grep -q "hostfwd: TCP port $server of 127.0.0.1 is in use on this host: choose another" "$work/err"
finish
