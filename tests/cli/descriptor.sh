#!/bin/bash
# as: owners
# Descriptors that kextd is handed: a bundle's folder with a load, a socket by systemd.
. "$(dirname "$0")/lib.sh"

# load_with PATH FOLDER: asks kextd to load PATH, with FOLDER's descriptor; prints the result
# code and the slugs of what it finds.
load_with()
{
	python3 - "$KEXT_RUNDIR/kextd.socket" "$1" "$2" <<-'END'
		import array, os, plistlib, socket, struct, sys
		def receive(size):
		    data = b""
		    while len(data) < size:
		        more = s.recv(size - len(data))
		        assert more, "kextd hung up"
		        data += more
		    return data
		def read_frame():
		    header = struct.unpack("<4sHHQII", receive(24))
		    return header[2], plistlib.loads(receive(header[5]))
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		assert read_frame()[0] == 1
		body = plistlib.dumps({"Kext Request Predicate": "Load", "Kext Request Arguments":
		                       {"OSBundlePath": sys.argv[2]}}, fmt=plistlib.FMT_BINARY)
		fd = os.open(sys.argv[3], os.O_RDONLY)
		frame = struct.pack("<4sHHQII", b"KXFR", 1, 2, 1, 1, len(body)) + body
		s.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
		kind, reply = read_frame()
		print(hex(reply["Kext Request Result Code"]), *[d["Slug"] for d in reply["Diagnostics"]])
	END
}

test_load_by_descriptor()
{
	dummy_kext "$T"
	mkdir "$T/other" "$T/empty.kext"
	cp -R "$T/DummySysctl.kext" "$T/other/"
	ln -s "$T/DummySysctl.kext" "$T/Link.kext"
	touch "$T/file.kext"
	kextd --idle 600
	expect_equal "$(load_with "$T/DummySysctl.kext" "$T/other/DummySysctl.kext")" \
		"0xdc00800d load.moved"
	expect_equal "$(load_with "$T/Link.kext" "$T/other/DummySysctl.kext")" \
		"0xdc00800d load.moved"
	expect_equal "$(load_with "$T/DummySysctl.kext" /dev/null)" "0xdc00800d load.moved"
	load_with "$T/file.kext" "$T/file.kext" >"$T/out"
	expect_no_text "$T/out" "0x0"
	load_with "$T/empty.kext" "$T/empty.kext" >"$T/out"
	expect_no_text "$T/out" "0x0"
	expect_equal "$(kextstat -k -l | wc -l)" 0
	# Its own descriptor, also where the path is another name.
	expect_equal "$(load_with "$T/Link.kext" "$T/DummySysctl.kext")" 0x0
	expect_equal "$(ksysctl -n debug.dummy)" 42
}

# kextd serves a socket that it is given and leaves it where it is.
test_socket_activation()
{
	dummy_kext "$T"
	mkdir -m "$([ "$(id -u)" = 0 ] && echo 755 || echo 700)" "$KEXT_RUNDIR"
	python3 - "$KEXT_RUNDIR/kextd.socket" <<-'END' >"$T/kextd.out" 2>&1 &
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1] + ".new")
		s.listen()
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		os.dup2(s.fileno(), 3)
		os.set_inheritable(3, True)
		os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
		os.execvp("kextd", ["kextd", "--foreground"])
	END
	local activated=$! i
	for i in {1..50}; do
		[ ! -S "$KEXT_RUNDIR/kextd.socket" ] || break
		sleep 0.1
	done
	expect_status 0 kextload "$T/DummySysctl.kext"
	kextd --status >"$T/status"
	expect_text "$T/status" "Process: $activated"
	kextd --shutdown
	wait "$activated"
	[ -S "$KEXT_RUNDIR/kextd.socket" ] || fail "the socket was systemd's"
}

# What is no listening socket is refused with words.
test_no_socket_to_activate()
{
	local status=0
	LISTEN_FDS=1 LISTEN_PID= bash -c 'LISTEN_PID=$$ exec kextd --foreground 3</dev/null' \
		>"$T/out" 2>"$T/err" || status=$?
	expect_equal "$status" 71
	[ -s "$T/err" ] || fail "kextd does not say why"
}

run_tests
