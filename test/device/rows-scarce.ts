/** Rows in which the machine lacks something that the kiosk needs. */
import { msBetween, need, startSeconds, type Bench } from "./bench.ts";
import type { Row } from "./row.ts";

/** The lease began before the memory was taken; late timers of a slow machine. */
const leaseMs = 3000 + 300;

/** The newest lines of ours and of systemd about us. */
async function journal(bench: Bench, sinceNs: number): Promise<string> {
  const { stdout } = await bench.sh(
    "journalctl -b --no-pager -o short-monotonic -u 'maskgate*' | tail -n 200",
  );
  return stdout
    .split("\n")
    .filter((line) => Number(/^\[\s*(\d+\.\d+)\]/.exec(line)?.[1]) * 1e9 >= sinceNs)
    .join("\n");
}

/** Neither needs the disk once it is installed: the kiosk starts and works without. */
async function withoutDisk(bench: Bench, take: string, giveBack: () => Promise<unknown>): Promise<string> {
  await bench.ready("brightness");
  const fromNs = await bench.nowNs();
  try {
    await bench.sh(take);
    await bench.restart();
    await bench.neverUnlocked(fromNs);
    await bench.unlock();
    await bench.show("nobody");
    await bench.untilReady();
  } finally {
    await giveBack();
  }
  return "locked over a restart; starts, opens and locks without it";
}

const fullDisk = (bench: Bench): Promise<string> =>
  withoutDisk(
    bench,
    // What fills it ends by failing; then there must be no room for a small file.
    `fallocate -l $(($(df --output=avail -B1 /var | tail -n 1) - 1048576)) /var/full
     if dd if=/dev/zero of=/var/full2 bs=4k || dd if=/dev/zero of=/var/one-more bs=64k count=1; then echo "the disk is not full" >&2; exit 1; fi`,
    () => bench.sh("rm -f /var/full /var/full2 /var/one-more"),
  );

const readOnlyDisk = (bench: Bench): Promise<string> =>
  withoutDisk(
    bench,
    "echo u >/proc/sysrq-trigger; sleep 1; if touch /var/one-more; then echo 'the disk can be written to' >&2; exit 1; fi",
    // What the kernel has made read-only in an emergency stays so until the next start.
    async () => {
      const before = await bench.boots();
      await bench.machine.qmp("system_reset");
      await bench.afterBoot(before);
    },
  );

async function fewDescriptors(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  const fromNs = await bench.nowNs();
  const told: string[] = [];
  const limits = [12, 24, 40];
  try {
    for (const limit of limits) {
      const limitNs = await bench.nowNs();
      await bench.dropIn("maskgate.service", [`LimitNOFILE=${limit}`]);
      await bench.sh(
        "systemctl reset-failed 'maskgate*' || true; timeout 60 systemctl restart maskgate || true; sleep 10",
      );
      const [line] =
        /[^\n]*(EMFILE|too many open files|LimitNOFILE)[^\n]*/i.exec(await journal(bench, limitNs)) ?? [];
      const { exitCode } = await bench.sh("systemctl is-active -q maskgate", { check: false });
      need(
        line !== undefined || exitCode === 0,
        `LimitNOFILE=${limit}: it does not run, and the journal names no lack of file descriptors`,
      );
      told.push(`${limit}: ${line === undefined ? "runs" : "refused by name"}`);
    }
  } finally {
    await bench.plain();
  }
  need(
    told.some((text) => text.includes("refused")),
    `no limit was too low: ${told.join(", ")}`,
  );
  await bench.neverUnlocked(fromNs);
  await bench.restart();
  return told.join(", ");
}

async function noMemory(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  await bench.unlock();
  const fromNs = await bench.nowNs();
  await bench.show("nobody");
  await bench.sh("systemctl set-property --runtime maskgate.service MemoryMax=40M MemorySwapMax=0; sleep 6");
  const open = (await bench.unlockedSince(fromNs)).find((span) => span.fromNs <= fromNs);
  const tookMs = open ? msBetween(fromNs, open.toNs ?? Infinity) : 0;
  const said = /[^\n]*(oom-kill|out of memory|OOM killer)[^\n]*/i.exec(await journal(bench, fromNs));
  await bench.sh(
    "systemctl set-property --runtime maskgate.service MemoryMax=infinity; systemctl reset-failed maskgate || true",
  );
  await bench.sh(`systemctl start maskgate; await ${startSeconds} 'systemctl is-active -q maskgate'`);
  await bench.untilReady();
  need(open !== undefined, "the memory was not taken while unlocked");
  need(said !== null, "nobody tells of the lack of memory");
  need(tookMs <= leaseMs, `still unlocked ${tookMs.toFixed(0)} ms after the memory was taken`);
  return `locked ${tookMs.toFixed(0)} ms after the memory was taken; the journal tells of it; back by itself`;
}

export const scarceRows: readonly Row[] = [
  {
    name: "full-disk",
    asserts: "a full disk: locked over a restart, and the door still works",
    run: fullDisk,
  },
  {
    name: "read-only",
    asserts: "a read-only disk: locked over a restart, and the door still works",
    run: readOnlyDisk,
  },
  {
    name: "descriptors",
    asserts: "too few file descriptors: locked, and the journal names the lack",
    run: fewDescriptors,
  },
  {
    name: "memory",
    asserts: "no memory while unlocked: locked within the lease, and the journal tells of it",
    run: noMemory,
  },
];
