"""Runs the container of deploy/kubernetes/cronjob.yaml with runc, with the rights, limits and folders that the file gives it.

usage: cronjob_run.py REPOSITORY WORK-DIR ROOT-FILE-SYSTEM SHARED

WORK-DIR has image.json, what buildah says of the image. Data comes from an imitation of the download centre on the
loopback. Prints PASS and FAIL lines; exit 0 if all passed.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import yaml

repository, work, rootfs, shared = sys.argv[1:]
failed = False


def judge(good, what, more=""):
    global failed
    failed |= not good
    print(f"{'PASS' if good else 'FAIL'} {what}")
    if not good:
        print(more)


def of_kind(kind):
    with open(f"{repository}/deploy/kubernetes/cronjob.yaml") as file:
        return next(part for part in yaml.safe_load_all(file) if part["kind"] == kind)


pod = of_kind("CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
container = pod["containers"][0]
with open(f"{work}/image.json") as file:
    image = json.load(file)["OCIv1"]["config"]

# The two volumes: policies as the ConfigMap would hold them, and the disk that is claimed.
volumes = {"policies": f"{work}/policies", "data": f"{work}/data"}
for folder in volumes.values():
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
shutil.copy(f"{repository}/examples/policies/aml-private.toml", volumes["policies"])
os.chown(volumes["data"], 0, pod["securityContext"]["fsGroup"])
os.chmod(volumes["data"], 0o2775)


def memory(text):
    number, unit = re.fullmatch(r"(\d+)(Ki|Mi|Gi)", text).groups()
    return int(number) << {"Ki": 10, "Mi": 20, "Gi": 30}[unit]


def run(command, **env):
    """The container with `command`, or with its own. Gives exit code and what it wrote."""
    bundle = f"{work}/bundle"
    shutil.rmtree(bundle, ignore_errors=True)
    os.mkdir(bundle)
    subprocess.run(["runc", "spec"], cwd=bundle, check=True)
    with open(f"{bundle}/config.json") as file:
        config = json.load(file)
    own = container["securityContext"]
    config["root"] = {"path": rootfs, "readonly": own["readOnlyRootFilesystem"]}
    given = [f"{item['name']}={item['value']}" for item in container["env"]]
    process = config["process"]
    process["terminal"] = False
    process["args"] = command or container["command"] + container["args"]
    process["env"] = image["Env"] + given + [f"{name}={value}" for name, value in env.items()]
    process["user"] = {
        "uid": pod["securityContext"]["runAsUser"],
        "gid": pod["securityContext"]["runAsGroup"],
        "additionalGids": [pod["securityContext"]["fsGroup"]],
    }
    process["noNewPrivileges"] = not own["allowPrivilegeEscalation"]
    assert own["capabilities"] == {"drop": ["ALL"]}
    process["capabilities"] = {kind: [] for kind in process["capabilities"]}
    for mount in container["volumeMounts"]:
        mode = "ro" if mount.get("readOnly") else "rw"
        config["mounts"].append(
            {
                "destination": mount["mountPath"],
                "type": "bind",
                "source": volumes[mount["name"]],
                "options": ["rbind", mode],
            }
        )
    config["linux"]["resources"]["memory"] = {"limit": memory(container["resources"]["limits"]["memory"])}
    # The imitation listens on the loopback of this machine.
    config["linux"]["namespaces"] = [part for part in config["linux"]["namespaces"] if part["type"] != "network"]
    with open(f"{bundle}/config.json", "w") as file:
        json.dump(config, file)
    done = subprocess.run(
        ["runc", "run", f"tagwall-{os.getpid()}"], cwd=bundle, capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout, done.stderr


class Microsoft:
    """The imitation, for as long as a block lasts."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        tool = [sys.executable, f"{shared}/tools/fake_microsoft.py", "serve", "--dir", f"{shared}/data/service-tags"]
        self.server = subprocess.Popen([*tool, *self.options], stdout=subprocess.PIPE, text=True)
        return json.loads(self.server.stdout.readline())["base"]

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()


code, out, err = run(["/bin/sh", "-c", "id -u; grep -E '^(CapEff|NoNewPrivs):' /proc/self/status; touch /x || touch /etc/tagwall/x"])
facts = out.split()
expected = [str(pod["securityContext"]["runAsUser"]), "CapEff:", "0" * 16, "NoNewPrivs:", "1"]
judge(facts == expected and err.count("Read-only file system") == 2, "the container has the rights of the file and no more", out + err)

code, out, err = run(image["Entrypoint"] + ["--version"])
judge(code == 0 and out.startswith("tagwall "), "the image starts tagwall", out + err)

with Microsoft("--as-of", "20260615") as base:
    code, out, err = run(None, TAGWALL_PAGES_URL=base)
    judge(code == 0 and json.loads(out)["status"] == "published", "the CronJob publishes", out + err)
    code, out, err = run(None, TAGWALL_PAGES_URL=base)
    judge(code == 0 and json.loads(out)["status"] == "unchanged", "the next run finds nothing new", out + err)
with Microsoft("--fault", "short@file") as base:
    code, out, err = run(None, TAGWALL_PAGES_URL=base, TAGWALL_RETRIES="0")
    judge(code in (1, 5) and "error: " in err, "half a file ends the job with an error", out + err)
with Microsoft() as base:
    code, out, err = run(None, TAGWALL_PAGES_URL=base)
    summary = json.loads(out) if code == 0 else {}
    judge(summary.get("generation") == 2, "the next week is the second generation", out + err)
code, out, err = run(image["Entrypoint"] + ["verify", "/data/out"])
judge(code == 0, "what was published is proven in the container", out + err)
sys.exit(failed)
