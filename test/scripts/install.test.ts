/** scripts/install and scripts/uninstall below a folder of their own: what is put there, what is kept, and that nothing is left. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

const isRoot = process.getuid?.() === 0;
const folder = mkdtempSync(path.join(tmpdir(), "maskgate-install-"));
process.once("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});

const built = path.join(folder, "built");
mkdirSync(path.join(built, "bin"), { recursive: true });
writeFileSync(path.join(built, "bin/maskgate"), "#!/bin/sh\n", { mode: 0o755 });

function script(name: "install" | "uninstall", root: string, ...args: readonly string[]): string {
  const env = { ...process.env, MASKGATE_ROOT: root };
  const { status, stderr } = spawnSync(`scripts/${name}`, args, { env, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stderr;
}

function filesBelow(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(path.relative(root, entry.parentPath), entry.name))
    .sort();
}

const installed = [
  "etc/maskgate/config.toml",
  "etc/systemd/sleep.conf.d/maskgate.conf",
  "etc/sysusers.d/maskgate.conf",
  ...readdirSync("systemd")
    .filter((file) => /\.(service|path)$/.test(file))
    .map((file) => `etc/systemd/system/${file}`),
  "etc/udev/rules.d/99-maskgate.rules",
  "opt/maskgate/bin/maskgate",
  "opt/maskgate/libexec/update-from-stick",
  "usr/local/bin/maskgate",
].sort();

test(
  "installs all, again without touching the configuration, and uninstalls all but it",
  { skip: !isRoot && "not root" },
  () => {
    const root = path.join(folder, "root");
    script("install", root, "--built", built);
    assert.deepEqual(filesBelow(root), installed);
    const config = path.join(root, "etc/maskgate/config.toml");
    writeFileSync(config, "# mine\n");
    script("install", root, "--built", built);
    assert.equal(readFileSync(config, "utf8"), "# mine\n");
    assert.deepEqual(filesBelow(root), installed);
    // What systemctl edit leaves, and units of other kinds.
    const units = path.join(root, "etc/systemd/system");
    mkdirSync(path.join(units, "maskgate.service.d"));
    writeFileSync(path.join(units, "maskgate.service.d/override.conf"), "");
    writeFileSync(path.join(units, "maskgate-any@.path"), "");
    assert.match(script("uninstall", root), /kept .*\/etc\/maskgate; .* --purge/);
    assert.deepEqual(filesBelow(root), ["etc/maskgate/config.toml"]);
    assert.equal(readFileSync(config, "utf8"), "# mine\n");
    script("uninstall", root, "--purge");
    assert.deepEqual(filesBelow(root), []);
    script("uninstall", root, "--purge");
  },
);

test("leaves files alone that are not its own", { skip: !isRoot && "not root" }, () => {
  const root = path.join(folder, "others");
  for (const [file, text] of [
    ["usr/local/bin/maskgate", "a program of somebody else\n"],
    ["etc/systemd/system/other.service", "[Unit]\n"],
  ] as const) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  }
  script("uninstall", root, "--purge");
  assert.deepEqual(filesBelow(root), ["etc/systemd/system/other.service", "usr/local/bin/maskgate"]);
});

test("wrong words are refused in one line", () => {
  for (const [name, args] of [
    ["install", ["--buit", "x"]],
    ["install", ["--built", path.join(folder, "none")]],
    ["uninstall", ["--purged"]],
  ] as const) {
    const { status, stderr } = spawnSync(`scripts/${name}`, args, {
      env: { ...process.env, MASKGATE_ROOT: path.join(folder, "x") },
      encoding: "utf8",
    });
    assert.equal(status, 1);
    assert.match(stderr, /^maskgate: .*\n$/);
  }
});

test("a system that is too old is refused by name, with what to do", () => {
  const needs = (have: string): ReturnType<typeof spawnSync> =>
    spawnSync(
      "bash",
      ["-c", '. scripts/setup.sh; need_version glibc "$1" 2.28 "take a newer one"', "-", have],
      {
        encoding: "utf8",
      },
    );
  for (const have of ["2.28", "2.36", "3", "239.1"]) assert.equal(needs(have).status, 0, have);
  for (const have of ["2.27", "2.4", "1.99", ""]) {
    const { status, stderr } = needs(have);
    assert.equal(status, 1, have);
    const says = `maskgate: glibc is ${have || "unknown"} here, maskgate needs 2.28 or newer: take a newer one\n`;
    assert.equal(stderr, says);
  }
});
