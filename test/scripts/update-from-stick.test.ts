/** Root's part of an update, with programs that stand in for those of the system: what is mounted how, and that no stick is silent. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";

const folder = mkdtempSync(path.join(tmpdir(), "maskgate-stick-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const hang = "exec sleep 20";
/** A line for each program that was run, in its order; setpriv shows as what it starts. */
const note = 'echo "${0##*/} $*" >>"$CALLS"';

interface Stubs {
  readonly blkid: string;
  readonly mount?: string;
  readonly findmnt?: string;
  readonly maskgate?: string;
  readonly mkdir?: string;
}

interface Ending {
  readonly code: number | null;
  readonly calls: readonly string[];
  readonly seconds: number;
}

/** The script over these programs; it waits shorter than it says. */
async function plugIn(stubs: Stubs): Promise<Ending> {
  const here = mkdtempSync(path.join(folder, "run-"));
  const calls = path.join(here, "calls");
  writeFileSync(calls, "");
  const programs = {
    findmnt: "exit 1",
    mount: "",
    umount: "",
    maskgate: "",
    setpriv: 'while [[ $1 == --* ]]; do shift; done; exec "$@"',
    ...stubs,
  };
  for (const [name, body] of Object.entries(programs)) {
    const isNoted = name !== "setpriv" && name !== "mkdir";
    writeFileSync(path.join(here, name), `#!/bin/bash\n${isNoted ? note : ""}\n${body}\n`);
    chmodSync(path.join(here, name), 0o755);
  }
  const script = path.join(here, "script");
  const text = readFileSync("systemd/update-from-stick", "utf8")
    .replaceAll(/\/opt\/maskgate\/bin|\/usr\/sbin/g, here)
    .replaceAll(/timeout -k 5 [36]0 /g, "timeout -k 0.2 0.4 ")
    .replace("stick=/tmp/stick", `stick=${path.join(here, "stick")}`);
  writeFileSync(script, text);
  const env = { PATH: `${here}:${process.env["PATH"] ?? ""}`, CALLS: calls };
  const sinceMs = performance.now();
  const child = spawn("bash", [script, "/dev/sdx1"], { env, stdio: "ignore", detached: true });
  // With all that it started.
  const late = setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), 8000);
  const [code] = (await once(child, "exit")) as [number | null];
  clearTimeout(late);
  const seconds = (performance.now() - sinceMs) / 1000;
  const lines = readFileSync(calls, "utf8").replaceAll(here, "").trim().split("\n");
  return { code, seconds, calls: lines };
}

const config = "--config /etc/maskgate/config.toml";
const safe = "ro,nosuid,nodev,noexec,umask=0222";

describe("update-from-stick", { concurrency: 3 }, () => {
  for (const [type, options] of [
    ["vfat", `${safe},utf8`],
    ["exfat", safe],
  ] as const) {
    it(`mounts ${type} so that nothing of it runs, reads every name, and lets go as soon as the bundle is copied`, async () => {
      const maskgate = 'echo copied >&3; exec 3>&-; sleep 0.5; echo "ended" >>"$CALLS"; exit 1';
      const { code, calls } = await plugIn({ blkid: `echo ${type}`, maskgate });
      assert.deepEqual(calls, [
        "findmnt -n -o TARGET --source /dev/sdx1",
        "blkid -p -o value -s TYPE /dev/sdx1",
        `mount -t ${type} -o ${options} /dev/sdx1 /stick`,
        `maskgate update --stick /stick --copied-fd 3 --hand-over ${config}`,
        "umount /stick",
        "ended",
      ]);
      assert.equal(code, 1);
    });
  }

  it("lets go of the stick of an updater that ends before it has copied anything", async () => {
    const { code, calls } = await plugIn({ blkid: "echo vfat", maskgate: "exit 2" });
    assert.deepEqual([calls.at(-1), code], ["umount /stick", 2]);
  });

  for (const [type, target] of [
    ["ext4", "/"],
    ["vfat", "/boot/firmware"],
  ] as const) {
    it(`is silent about a file system that the machine itself uses: ${type} at ${target}`, async () => {
      const { code, calls } = await plugIn({ blkid: `echo ${type}`, findmnt: `echo ${target}` });
      assert.deepEqual(calls, ["findmnt -n -o TARGET --source /dev/sdx1"]);
      assert.equal(code, 0);
    });
  }

  it("takes a stick that a desktop has mounted for one", async () => {
    const { calls } = await plugIn({ blkid: "echo vfat", findmnt: "echo /media/somebody/UPDATE" });
    assert.ok(calls.some((line) => line.startsWith("mount -t vfat")));
  });

  const anew = "maskgate reads FAT and exFAT, make the stick anew with one of them";
  const failures: Readonly<Record<string, readonly [Stubs, string]>> = {
    "another file system": [{ blkid: "echo ntfs" }, `holds ntfs; ${anew}`],
    "no file system": [{ blkid: "exit 2" }, `holds no file system that anybody knows; ${anew}`],
    "a stick that hangs while it is looked at": [
      { blkid: hang },
      "does not say within 30 s what it holds; take another stick",
    ],
    "one that hangs so hard that only a kill helps": [
      { blkid: "trap '' TERM; while true; do sleep 0.1; done" },
      "does not say within 30 s what it holds; take another stick",
    ],
    "a broken file system": [
      { blkid: "echo vfat", mount: "echo wrong fs type >&2; exit 32" },
      "cannot be mounted: wrong fs type; look at the stick on a computer, or take another",
    ],
    "a mount that hangs": [
      { blkid: "echo exfat", mount: hang },
      "cannot be mounted: it takes longer than 60 s; look at the stick on a computer, or take another",
    ],
    "anything else before the updater runs": [
      { blkid: "echo exfat", mkdir: "exit 1" },
      "cannot be read: line NUMBER of update-from-stick failed; see the journal",
    ],
  };
  for (const [what, [stubs, says]] of Object.entries(failures)) {
    it(`tells ${what}, and nothing but that`, async () => {
      const { code, calls, seconds } = await plugIn({ maskgate: "exit 1", ...stubs });
      const told = calls.filter((line) => line.startsWith("maskgate"));
      assert.deepEqual(
        told.map((line) => line.replace(/line \d+/, "line NUMBER")),
        [`maskgate update --stick-failed=/dev/sdx1 ${says} ${config}`],
      );
      assert.equal(code, 1);
      assert.ok(seconds < 5, `took ${seconds} s`);
    });
  }

  it("drops every right of root in front of the updater", () => {
    const text = readFileSync("systemd/update-from-stick", "utf8");
    const [line = "", ...others] = text.split("\n").filter((each) => each.includes("setpriv --"));
    assert.deepEqual(others, []);
    for (const word of [
      '--reuid="$user"',
      "--regid=maskgate",
      "--init-groups",
      "--inh-caps=-all",
      "--bounding-set=-all",
      "--no-new-privs",
    ])
      assert.ok(line.includes(` ${word}`), word);
  });
});
