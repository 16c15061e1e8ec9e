"""Docker: the daemon, registries, containers, and OpenHands' runtime in them."""

from __future__ import annotations

from velora_tui.domain.failure import FailureClass
from velora_tui.grading.signatures.signature import Signature, Table

_docker = Table(FailureClass.INFRASTRUCTURE)
_runtime = Table(FailureClass.INFRASTRUCTURE, phases=("trajectory",))

DAEMON: tuple[Signature, ...] = (
    _docker.row(
        "docker-permission",
        r"(?:docker: |ERROR: )?(?:[Gg]ot )?permission denied while trying to connect to the [Dd]ocker"
        r"|Error while fetching server API version.*Permission denied",
        "the user may not talk to Docker",
        "add the user to the group docker, log in again, then retry",
    ),
    _docker.row(
        "docker-daemon-down",
        r"(?:docker: |ERROR: )?(?:Cannot connect to the Docker daemon|failed to connect to the docker API)"
        r"|Error while fetching server API version|Launch docker client failed",
        "Docker does not run",
        "start Docker, then retry",
        repair="start-docker",
    ),
    _docker.row(
        "docker-missing",
        r"docker: (?:command )?not found"
        r"|No such file or directory: 'docker'",
        "Docker is not installed, or not on the PATH of a non-interactive shell",
        "install it or set PATH in the fleet file's env, then retry",
    ),
    _docker.row(
        "docker-buildx",
        r"(?:docker: 'buildx' is not a docker command|docker: unknown command: docker buildx|unknown flag: --progress$"
        r"|No docker binary available inside openhands-app container)"
        r"|docker'?,? '?buildx'?,? '?build\b.* returned non-zero"
        r"|BuildKit is enabled but the buildx component is missing",
        "docker.py lacks the DOCKER_BUILDKIT=0 fix",
        "push the fixed docker.py, then retry",
        repair="push-files",
    ),
    _runtime.row(
        "tmux-missing",
        r"(?:TmuxCommandNotFound|tmux is not properly installed or available|\btmux: (?:command )?not found"
        r"|exec: \"tmux\": executable file not found)"
        r"|(?:action_execution_server|openhands-runtime-\S+).{0,80}(?:exit|exited with) code:? 3\b",
        "the image has no tmux",
        "rebuild the image with tmux, drop cached runtime images, then retry",
        repair="drop-runtime-images",
        phases=(),
    ),
)

REGISTRY: tuple[Signature, ...] = (
    _docker.row(
        "runtime-image-skip",
        r"Unable to find image 'skip:latest'|pull access denied for skip\b|fromImage=skip\b",
        'RUNTIME_CONTAINER_IMAGE is set to "skip"',
        "unset it, then retry",
        repair="unset-variable",
    ),
    _docker.row(
        "registry-rate-limit",
        r"(?:toomanyrequests: |You have reached your (?:unauthenticated )?pull rate limit)",
        "the registry limits how often images are pulled",
        "log in to the registry (docker login), or retry in some hours",
    ),
    _docker.row(
        "registry-refused",
        r"(?:unauthorized: (?:authentication required|incorrect username)|no basic auth credentials"
        r"|denied: requested access to the resource is denied|denied: Your authorization token has expired"
        r"|Error response from daemon: (?:unauthorized|denied)\.?$)",
        "the registry refuses the image: not logged in, or the login has expired",
        "log in to the registry (docker login, aws ecr get-login-password), then retry",
    ),
    _docker.row(
        "registry-missing",
        r"(?:pull access denied for \S+, repository does not exist|manifest for \S+ not found)"
        r"|manifest unknown|Error response from daemon: name unknown",
        "the registry has no such image",
        "mend image_storage_uri in the dataset, or push the image, then retry",
        kind=FailureClass.TASK,
    ),
    _docker.row(
        "image-platform",
        r"(?:no matching manifest for linux/|[Ee]xec format error$|exec format error: )",
        "the image is for another processor than the instance's",
        "use an instance of the image's architecture, or build the image for this one",
        kind=FailureClass.TASK,
    ),
    _docker.row(
        "registry-unreachable",
        r"Error response from daemon: Get \"?https?://(?!.*proxyconnect).*(?:TLS handshake timeout|i/o timeout"
        r"|Client\.Timeout exceeded|context deadline exceeded|connection refused|connection reset)"
        r"|Error response from daemon: received unexpected HTTP status: 5\d\d",
        "the registry does not answer",
        "check the instance's network, then retry",
    ),
    _runtime.row(
        "runtime-build-network",
        r"(?:^|\s)E: (?:Unable to fetch some archives|Failed to fetch https?://|Unable to locate package )",
        "packages could not be fetched while an image was built",
        "check the instance's network, then retry",
        phases=("image", "trajectory"),
    ),
)

CONTAINERS: tuple[Signature, ...] = (
    _docker.row(
        "port-conflict",
        r"(?:Bind for \S+ failed: port is already allocated|failed to bind host port .*address already in use"
        r"|listen tcp\S* \S+: bind: address already in use|Ports are not available: exposing port )",
        "a port that the container needs is taken, as by a container of an earlier run",
        "end stray runs and their containers, then retry",
        repair="kill-stray",
    ),
    _docker.row(
        "container-name-conflict",
        r"Conflict\. The container name \"?\S+ is already in use by container",
        "a container of the same name is still there, of another run or of a second evaluation in the same second",
        "end stray runs and their containers, then retry",
        repair="kill-stray",
    ),
    _docker.row(
        "docker-networks",
        r"(?:could not find an available, non-overlapping IPv4 address pool"
        r"|all predefined address pools have been fully subnetted)",
        "Docker has no address left for another network",
        "remove unused networks (docker network prune), then retry",
    ),
    _docker.row(
        "docker-overlay",
        r"(?:error creating overlay mount to|failed to mount overlay: |failed to register layer: )",
        "Docker's storage is damaged, or its file system does not suit overlay2",
        "look at Docker's log, restart it, then retry",
    ),
    _docker.row(
        "gpu-missing",
        r"could not select device driver \"\S*\" with capabilities: \[\[gpu",
        "a container wants a GPU, and Docker offers none",
        "turn enable_gpu off in config.toml, or install the NVIDIA container toolkit, then retry",
    ),
    _docker.row(
        "image-gone",
        r"(?:Error response from daemon: No such image: |ImageNotFound: 404 Client Error)",
        "the image was removed while the run needed it, as by docker prune",
        "let nothing prune images during a run, then retry from the beginning",
        phases=("trajectory", "evaluation", "report"),
    ),
    _docker.row(
        "container-gone",
        r"(?:(?:Error response from daemon|Error|docker): )?"
        r"(?:No such container: |Container [0-9a-f]{64} is not running)",
        "the container that the tests run in was removed or ended by itself",
        "make sure that only one run is on the instance, look at its memory, then retry",
        repair="kill-stray",
        phases=("evaluation",),
        is_vague=True,  # a clean-up of what is gone already says the same
    ),
    _docker.row(
        "container-runtime",
        r"OCI runtime (?:create|exec) failed",
        "the container could not be started: the image lacks its program, or a mount is wrong",
        "read the rest of the line, mend the image, then retry",
    ),
)

RUNTIME: tuple[Signature, ...] = (
    _runtime.row(
        "runtime-build",
        r"(?:AgentRuntimeBuildError|Image build failed(?::| with exit code)|Image build timed out)"
        r"|(?:ERROR: )?failed to solve: |The command '/bin/sh -c .* returned a non-zero code: \d+",
        "OpenHands' runtime image could not be built",
        "read the build's output above this line, drop cached runtime images, then retry",
        repair="drop-runtime-images",
    ),
    _runtime.row(
        "runtime-exited",
        r"(?:AgentRuntimeDisconnectedError|Container openhands-runtime-\S+ has exited)",
        "the container that the agent works in ended by itself",
        "look whether the image has tmux and at the instance's memory, drop cached runtime images, then retry",
        repair="drop-runtime-images",
    ),
    _runtime.row(
        "runtime-gone",
        r"(?:AgentRuntimeNotFoundError|Container openhands-runtime-\S+ not found)",
        "the container that the agent works in was removed, as by another run's clean-up",
        "make sure that only one run is on the instance, then retry",
        repair="kill-stray",
    ),
    _runtime.row(
        "runtime-not-ready",
        r"(?:AgentRuntimeNotReadyError|AgentRuntimeUnavailableError|AgentRuntimeTimeoutError"
        r"|UnixHTTPConnectionPool\(.{0,80}\): Read timed out)",
        "the container that the agent works in did not answer in time",
        "look at the instance's load and memory, then retry",
    ),
    _runtime.row(
        "runtime-unreachable",
        r"HTTPConnectionPool\(host='(?:localhost|127\.0\.0\.1|host\.docker\.internal)', port=[345]\d{4}\)"
        r"|httpx\.(?:ReadError|ConnectError|RemoteProtocolError)\b|\[Errno 104\] Connection reset by peer"
        r"|ConnectionRefusedError: \[Errno 111\] Connect call failed \('127\.0\.0\.1'",
        "the server in the agent's container does not answer",
        "drop cached runtime images, look at the instance's memory, then retry",
        repair="drop-runtime-images",
    ),
    _runtime.row(
        "runtime-start",
        r"Instance openhands-runtime-\S+ FAILED to start container!",
        "the container that the agent works in did not start",
        "read the line below, mend the cause, then retry",
        is_vague=True,
    ),
)
