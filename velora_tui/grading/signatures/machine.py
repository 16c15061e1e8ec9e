"""The machine itself: disk, memory, network, rights."""

from __future__ import annotations

from velora_tui.domain.failure import FailureClass
from velora_tui.grading.signatures.signature import Signature, Table

_machine = Table(FailureClass.INFRASTRUCTURE)

STORAGE: tuple[Signature, ...] = (
    _machine.row(
        "disk-full",
        r"(?:\[Errno 28\] )?[Nn]o space left on device|ENOSPC: |curl: \(23\) Fail",
        "the disk is full",
        "free disk space, then retry",
        repair="free-disk",
    ),
    _machine.row(
        "disk-quota",
        r"(?:\[Errno 122\] )?Disk quota exceeded",
        "the user's disk quota is used up",
        "free disk space of this user, or raise the quota, then retry",
        repair="free-disk",
    ),
    _machine.row(
        "disk-read-only",
        r"(?:\[Errno 30\] )?[Rr]ead-only file system",
        "the disk is mounted read-only, as after an error of it",
        "look at dmesg, repair or replace the volume, then retry elsewhere",
    ),
    _machine.row(
        "disk-broken",
        r"(?:\[Errno 5\] )?[Ii]nput/output error$",
        "the disk does not read or write",
        "look at dmesg, replace the volume, and retry elsewhere",
    ),
    _machine.row(
        "outputs-not-writable",
        r"PermissionError: \[Errno 13\] Permission denied: '[^']*"
        r"(?:evaluation_outputs|/\.velora/|/OpenHands/|/VeloraHarness/)"
        r"|download failed: .* \[Errno 13\] Permission denied: '",
        "a file of the harness belongs to another user, as after a run as root",
        "give the harness's folder to the user with chown -R, then retry",
    ),
    _machine.row(
        "sudo-password",
        r"sudo: (?:a password is required|a terminal is required|no tty present)",
        "a command wants a password for sudo",
        "allow sudo without a password for it, then retry",
    ),
)

MEMORY: tuple[Signature, ...] = (
    _machine.row(
        "out-of-memory",
        r"^Killed$|line \d+: +\d+ Killed\b|Out of memory|oom-kill|OOMKilled\W+true|Memory cgroup out of memory"
        r"|(?:\[Errno 12\] )?Cannot allocate memory|MemoryError$|signal: killed$"
        r"|(?:exit status|exit code|exited with code|code:) 137\b"
        r"|was sent SIGKILL! Perhaps out of memory",
        "a process was killed, most likely by the kernel for lack of memory",
        "use a larger instance or fewer processes, then retry",
    ),
    _machine.row(
        "process-limit",
        r"RuntimeError: can't start new thread|BlockingIOError: \[Errno 11\]"
        r"|\bfork: (?:retry: )?Resource temporarily"
        r"|runtime: failed to create new OS thread|pthread_create failed",
        "no more processes or threads may be started",
        "end stray processes or raise the limit (ulimit -u, pids cgroup), then retry",
        repair="kill-stray",
    ),
    _machine.row(
        "file-limit",
        r"(?:\[Errno 24\] )?[Tt]oo many open files",
        "no more files may be opened",
        "raise the limit (ulimit -n), then retry",
    ),
)

NETWORK: tuple[Signature, ...] = (
    _machine.row(
        "tls-certificate",
        r"(?:CERTIFICATE_VERIFY_FAILED|SSL certificate problem: |SSL validation failed for "
        r"|server certificate verification failed"
        r"|x509: certificate (?:signed by unknown|has expired|is valid for|is not valid))",
        "a certificate is not accepted: a wrong clock, an intercepting proxy, or old CA certificates",
        "check the clock (timedatectl) and the CA certificates, then retry",
    ),
    _machine.row(
        "network-dns",
        r"(?:Could not resolve host(?:name)?\b|Temporary failure in name resolution"
        r"|Name or service not known|dial tcp: lookup \S+.*(?:no such host|server misbehaving|i/o timeout)"
        r"|Temporary failure resolving '|getaddrinfo (?:EAI_AGAIN|ENOTFOUND))",
        "names are not resolved: DNS does not work on the instance",
        "check the instance's network and DNS, then retry",
    ),
    _machine.row(
        "proxy-refuses",
        r"(?:Tunnel connection failed: |Cannot connect to proxy|Failed to connect to proxy URL: |ProxyError\("
        r"|Proxy CONNECT aborted|Could not resolve proxy: |.*: proxyconnect tcp: )",
        "the proxy that is set does not answer or refuses",
        "unset http_proxy and https_proxy, then retry",
        repair="unset-variable",
    ),
    _machine.row(
        "network-unreachable",
        r"(?:[Nn]etwork is unreachable|No route to host)",
        "the instance has no way to the network",
        "check the instance's network, then retry",
    ),
)

REMOTE: tuple[Signature, ...] = (
    _machine.row(
        "ssh-host-key-changed",
        r"Host key verification failed\.|@ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!",
        "a host's key is unknown or has changed",
        "make sure whose key it is, mend known_hosts, then retry",
    ),
    _machine.row(
        "ssh-authentication",
        r"Permission denied \((?:publickey|password|keyboard-interactive)",
        "a host accepts none of the keys",
        "add the key, or start the agent that holds it, then retry",
    ),
    _machine.row(
        "ssh-unreachable",
        r"ssh: (?:connect to host|Could not resolve hostname)|kex_exchange_identification: |banner exchange: ",
        "a host does not answer by SSH",
        "check the host and its firewall, then retry",
    ),
)
