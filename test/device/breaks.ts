/** How each guarantee of the table is broken on purpose, and what its row then says: a check that cannot fail is none. */

export interface Break {
  /** What is broken. */
  readonly what: string;
  /** Bash, with the functions of guest/lib.sh. */
  readonly script: string;
  /** What the row then says. */
  readonly says: RegExp;
}

const program = "/opt/maskgate/dist/src";
const edit = (file: string, before: string, after: string): string => `edit ${file} '${before}' '${after}'`;
const unit = (name: string, before: string, after: string): string =>
  edit(`/etc/systemd/system/${name}`, before, after);
const setting = (section: string, key: string, value: string): string =>
  `set_key ${section} ${key} '${value}'`;

const startsUnlocked = (folder: string): string =>
  edit(`${folder}/door-side.js`, "lockLevel(wiring, options.isFireReleased === true)", "openLevel(wiring)");
const swapsLate = (statement: string): string =>
  edit(
    `${program}/model-follower.js`,
    "const old = await kiosk.swap(eyes);",
    `${statement} const old = await kiosk.swap(eyes);`,
  );
const leasesLast = (moreMs: number): string =>
  edit(
    `${program}/core/door.js`,
    "nowMs < lease.untilMs\n        ? lease.untilMs",
    `nowMs < lease.untilMs + ${moreMs}\n        ? lease.untilMs + ${moreMs}`,
  );
const nobodyLocks = unit(
  "maskgate-door.service",
  "ExecStopPost=/opt/maskgate/bin/node",
  "ExecStopPost=/bin/true",
);

const unlockedAtStart: Break = {
  what: "the lock's line is requested unlocked",
  script: startsUnlocked(program),
  says: /asked for [1-9]/,
};
const unwatched: Break = {
  what: "no watchdog looks after the holder",
  script: unit("maskgate-door.service", "WatchdogSec=1", "WatchdogSec=0"),
  says: /unlocked for \w+ ms, the lease is/,
};
const seesNothing: Break = {
  what: "nothing to see is no fault, however long it is the same",
  script: `${setting("camera", "leastDetail", "0")}; ${setting("camera", "frozenMs", "0")}`,
  says: /no fault is shown/,
};
const starvesAtOnce: Break = {
  what: "a camera's attempts do not feed the watchdog",
  script: edit(`${program}/liveness.js`, "< mostTrialMs", "< 0"),
  says: /was restarted meanwhile|after the cure|no fault is shown/,
};
const needsDisk: Break = {
  what: "the daemon writes to the disk when it starts",
  script: edit(
    `${program}/main.js`,
    "import",
    'import { writeFileSync as broken } from "node:fs"; if (process.argv[2] === "run") broken("/var/lib/maskgate/broken" + Date.now(), Buffer.alloc(300000)); import',
  ),
  says: /Job for maskgate\.service failed/,
};

/** By the rows' names. */
export const breaks: Readonly<Record<string, Break>> = {
  install: {
    what: "the lock's line is requested unlocked",
    script: startsUnlocked("/host/program/dist/src"),
    says: /unlocked meanwhile|asked to unlock/,
  },
  security: {
    what: "the holder's unit keeps every capability, device and system call",
    script: `sed -i -E '/^(CapabilityBoundingSet|NoNewPrivileges|Restrict|SystemCall|Device|Protect|Private)/d' /etc/systemd/system/maskgate-door.service`,
    says: /exposure above 2: maskgate-door/,
  },
  "install-again": {
    what: "the installer writes the configuration anew",
    script: edit("/host/source/scripts/install", 'if [ ! -e "$config" ]; then', "if true; then"),
    says: /not the same as before/,
  },
  contract: {
    what: "the character device's driver forgets active-low",
    script: edit("/host/tests/dist/src/io/gpio-uapi.js", "line.isActiveLow ?", "false ?"),
    says: /of \d+ contract tests/,
  },
  masked: {
    what: "leases last two seconds longer",
    script: setting("access", "unlockMs", "5000"),
    says: /unlocked for \d+ ms, not/,
  },
  bare: {
    what: "every face counts as masked",
    script: edit(
      `${program}/vision/classifier.js`,
      "classify: (crops) => classify(session, manifest, crops)",
      "classify: (crops) => Promise.resolve(crops.map(() => 0.999))",
    ),
    says: /unlocked [1-9]\d* times/,
  },
  fire: {
    what: "the fire alarm releases nothing",
    script: setting("door", "fireRelease", "false"),
    says: /did not release/,
  },
  wiring: {
    what: "active-low is forgotten by the character device's driver",
    script: edit(`${program}/io/gpio-uapi.js`, "line.isActiveLow ?", "false ?"),
    says: /not within|unlocked|active-low/,
  },
  forced: {
    what: "every opening is one that was allowed",
    script: edit(`${program}/core/door.js`, "isForced: !isAllowed", "isForced: false"),
    says: /not within/,
  },
  tamper: {
    what: "an open housing ends no lease and is no trouble, for which the daemon would end it",
    script: [
      edit(`${program}/core/door.js`, "signals.tamper.isOn === true ||", ""),
      edit(`${program}/core/door.js`, "if (door.signals.tamper.isOn === true)", "if (false)"),
    ].join("; "),
    says: /after the housing was opened/,
  },
  relock: {
    what: "nothing locks when the door is shut",
    script: setting("door", "relockOnClose", "false"),
    says: /ms after the door was shut/,
  },
  kill: {
    what: "nobody locks after the holder's end",
    script: nobodyLocks,
    says: /unlocked for \w+ ms after the kill/,
  },
  stop: unwatched,
  spin: unwatched,
  watchdog: {
    what: "a timer feeds the watchdog, not the frames",
    script: edit(
      `${program}/io/systemd.js`,
      "this.#isReady = true;",
      'this.#isReady = true; setInterval(() => this.#send(["WATCHDOG=1"]), 1000);',
    ),
    says: /not within .* NRestarts/s,
  },
  sysfs: {
    what: "the holder's unit keeps /sys read-only",
    script: unit("maskgate-door.service", "ReadWritePaths=", "#ReadWritePaths="),
    says: /maskgate-door\.service failed/,
  },
  restart: unlockedAtStart,
  "crash-loop": unlockedAtStart,
  reboot: {
    what: "the holder never locks what is unlocked, and nobody does after its end",
    script: [
      nobodyLocks,
      edit(
        `${program}/io/door-keeper.js`,
        "else\n                this.#lock();",
        "else if (!this.#isLockOpen)\n                this.#lock();",
      ),
      edit(`${program}/io/gpio.js`, 'this.set(level === "active");', ""),
    ].join("; "),
    says: /still unlocked/,
  },
  "power-cut": unlockedAtStart,
  unplugged: {
    what: "a camera that is gone is not looked for",
    script: `${setting("camera", "restartMaxMs", "60000")}; ${setting("camera", "restartMinMs", "60000")}`,
    says: /after the cure|not within/,
  },
  "late-camera": {
    what: "the unit knows cameras by their name alone",
    script: unit("maskgate.service", "DeviceAllow=char-81 rw", ""),
    says: /not within/,
  },
  "long-unplugged": starvesAtOnce,
  "long-frozen": starvesAtOnce,
  silent: {
    what: "silence of the camera is no fault",
    script: setting("camera", "silenceMs", "60000"),
    says: /no fault is shown/,
  },
  frozen: {
    what: "the same picture is no fault",
    script: setting("camera", "frozenMs", "0"),
    says: /no fault is shown/,
  },
  black: seesNothing,
  covered: seesNothing,
  "full-disk": needsDisk,
  "read-only": needsDisk,
  descriptors: {
    what: "nobody counts the file descriptors before Node does",
    script: edit("/opt/maskgate/bin/maskgate", "-ge 128", "-ge 0"),
    says: /names no lack/,
  },
  memory: {
    what: "the holder does not miss a daemon that is gone, and leases last five seconds longer",
    script: [
      leasesLast(5000),
      edit(`${program}/io/lease-holder.js`, "lose() {\n        this.#secure();", "lose() {"),
      edit(`${program}/io/lease-holder.js`, "silentMs > this.#parts.silenceMs", "false"),
    ].join("; "),
    says: /still unlocked \w+ ms after the memory/,
  },
  update: {
    what: "the daemon restarts for a new model",
    script: swapsLate("process.exit(1);"),
    // Whoever watches the probation sees that, too, and goes back.
    says: /not within|the daemon was restarted/,
  },
  "update-door": {
    what: "nobody looks at the door for two minutes while models are swapped",
    script: swapsLate("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120000);"),
    says: /not within 60 s|restarted/,
  },
  "update-refused": {
    what: "no signature is looked at",
    script: edit(
      `${program}/update/bundle-signature.js`,
      "const trusted = trust.keys.find(({ id }) => id === keyId);",
      "return keyId;",
    ),
    says: /good|changed|probation/,
  },
  "update-pulled": {
    what: "an update that failed changes the record",
    script: edit(
      `${program}/updater.js`,
      "update = next;",
      'update = next; if (update.state.kind === "failed") await store.write({ ...update.record, lastId: update.record.lastId + 1 });',
    ),
    says: /record of models was changed/,
  },
  "update-killed": {
    what: "nobody follows whoever watched a probation and was killed",
    script: unit("maskgate-probation.service", "Restart=on-failure", "Restart=no"),
    says: /not within .*state.json/s,
  },
  "update-hand": {
    what: "a rollback changes nothing",
    script: edit(
      `${program}/core/update-record.js`,
      "active: previous,\n        previous: trial",
      "active,\n        previous: trial",
    ),
    says: /decides, not/,
  },
  "update-cut": {
    what: "the record names the new model before its files are written",
    script: edit(
      `${program}/io/slot-store.js`,
      "const slot = freeSlot(record);",
      "const slot = freeSlot(record); if (slot) await this.write({ ...record, active: { ...record.active, place: slot, id: record.lastId + 1 }, lastId: record.lastId + 1 });",
    ),
    says: /not within|decides/,
  },
  uninstall: {
    what: "it ends before users, groups and configuration are taken away",
    script: edit("/host/source/scripts/uninstall", "udevadm control --reload", "exit 0"),
    says: /left behind/,
  },
};
