/**
 * `scripts/test-device --broken`: breaks one guarantee after the other in the machine's copy of the program, holds that its row goes red,
 * and for the reason that was expected, and mends it again.
 */
import type { Bench } from "./bench.ts";
import { breaks } from "./breaks.ts";
import { judge, type Row, type RowOptions, type Verdict } from "./row.ts";

const kept = "/var/lib/bench";
const unmount = "for file in $(awk '$2 ~ \"^/host/\" { print $2 }' /proc/mounts); do umount $file; done";

/** To be called once everything is installed: what `mend` brings back. */
export async function keep(bench: Bench): Promise<void> {
  await bench.sh(
    `mkdir -p ${kept}; cp -a /opt/maskgate/dist /opt/maskgate/bin/maskgate ${kept}/; cp -a /etc/maskgate/config.toml ${kept}/; mkdir ${kept}/units; cp -a /etc/systemd/system/maskgate* ${kept}/units/`,
  );
}

async function mend(bench: Bench): Promise<void> {
  await bench.sh(
    `${unmount}
     systemctl stop 'maskgate*'
     rm -rf /opt/maskgate/dist /run/systemd/system/maskgate*; cp -a ${kept}/dist /opt/maskgate/; cp -a ${kept}/maskgate /opt/maskgate/bin/; cat ${kept}/config.toml >/etc/maskgate/config.toml
     cp -a ${kept}/units/. /etc/systemd/system/; systemctl daemon-reload; systemctl start maskgate-probation.path`,
  );
  await bench.restart();
}

/** Breaks what the row guards, runs it, and mends it again. @returns a verdict that is well if the row went red for its reason */
export async function judgeBroken(row: Row, bench: Bench, options: RowOptions): Promise<Verdict> {
  const broken = breaks[row.name];
  if (broken === undefined) throw new Error(`nobody knows how to break ${row.name}`);
  const { what, script, says } = broken;
  const isFirst = row.name === "install";
  await bench.sh(script);
  if (!isFirst) {
    await bench.sh("systemctl daemon-reload; systemctl restart maskgate-door maskgate --no-block; sleep 1");
  }
  const { isOk, figure } = await judge(row, bench, options);
  if (isFirst) await bench.sh(unmount);
  else if (row.name !== "uninstall") await mend(bench);
  const isRed = !isOk && says.test(figure);
  return {
    row: { ...row, asserts: `red when ${what}` },
    isOk: isRed,
    figure: isOk ? `green: ${figure}` : figure,
  };
}
