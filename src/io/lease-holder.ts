/**
 * The holder's side of a lease, without a socket: obeys one peer's orders with lock and LEDs.
 *
 * Invariants: (1) without a peer, and from a peer's silence of `silenceMs` on, the door is locked and the LEDs show a fault; (2) an order that is
 * older than `silenceMs` is obeyed by nobody and ends no silence; (3) an unlock counts only after the peer has said lock, once when it comes and
 * again after each silence: no lease outlives the trouble that ended it; (4) how long a lease may be is the door's own business, not the peer's;
 * (5) an output that fails is told to the peer and to the log, and keeps no other one from being set; (6) no order shows "go through"
 * before a locked door.
 */
import { KioskError, messageOf } from "../core/errors.ts";
import type { Clock, Door, Indication, Indicator } from "../core/ports.ts";
import { type Account, failureOf, leaseVersion, type Order, sentState } from "./lease-protocol.ts";
import type { Log } from "./log.ts";

export interface HolderParts {
  readonly door: Door;
  readonly indicator: Indicator;
  readonly clock: Clock;
  readonly log: Log;
  /** A peer that says nothing for so long does not live. */
  readonly silenceMs: number;
}

type Output = "door" | "indicator";

export class LeaseHolder {
  readonly #parts: HolderParts;
  #isSilent = true;
  #mayUnlock = false;
  #heardAtMs: number | null = null;
  #failures: Account["failures"] = { door: null, indicator: null };

  constructor(parts: HolderParts) {
    this.#parts = parts;
    this.#secure();
  }

  /** A peer has come; it has said nothing yet. */
  greet(): void {
    this.#heardAtMs = null;
    this.#secure();
  }

  /** The peer is gone, however. */
  lose(): void {
    this.#secure();
  }

  /** @returns why the order cannot be from this machine's clock; nothing is obeyed then */
  obey(order: Order): string | undefined {
    const ageMs = this.#parts.clock.nowMs() - order.sentAtMs;
    if (!(ageMs >= 0)) return "sentAtMs: lies in the future; daemon and holder must share one clock";
    if (ageMs > this.#parts.silenceMs) return undefined;
    if (this.#isSilent) this.#parts.log.info("the daemon speaks");
    this.#isSilent = false;
    this.#heardAtMs = order.sentAtMs;
    switch (order.kind) {
      case "lock":
        this.#mayUnlock = true;
        this.#lock();
        break;
      case "unlock":
        if (this.#mayUnlock) this.#unlock(order.untilMs);
        else this.#lock();
        break;
      case "indicate":
        this.#show(this.#honest(order.indication));
        break;
    }
    return undefined;
  }

  /** To be called often: notices silence, and sets again what is set. */
  tick(): void {
    const silentMs = this.#parts.clock.nowMs() - (this.#heardAtMs ?? -Infinity);
    if (!this.#isSilent && silentMs > this.#parts.silenceMs) {
      this.#parts.log.warn({ silentMs: Math.round(silentMs) }, "the daemon is silent: locked");
      this.#secure();
    } else if (this.#isSilent) this.#secure();
  }

  /** Whether the lock obeys. */
  get isSound(): boolean {
    return this.#failures.door === null;
  }

  account(): Account {
    const { door, indicator, clock } = this.#parts;
    return {
      version: leaseVersion,
      sentAtMs: clock.nowMs(),
      kind: "report",
      heardAtMs: this.#heardAtMs,
      state: sentState(door.state),
      door: door.report,
      leds: { ...indicator.lit },
      failures: this.#failures,
    };
  }

  #secure(): void {
    this.#isSilent = true;
    this.#mayUnlock = false;
    this.#lock();
    this.#show("fault");
  }

  /** Green means "go through": it must not shine before a door that takes no lease, or has ended it earlier than the peer thinks. */
  #honest(indication: Indication): Indication {
    if (indication !== "granted" && indication !== "reminded") return indication;
    if (!this.#mayUnlock) return "fault";
    return this.#parts.door.state.kind === "locked" ? "ready" : indication;
  }

  #lock(): void {
    this.#attempt("door", () => {
      this.#parts.door.apply({ kind: "lock" });
    });
  }

  #unlock(untilMs: number): void {
    this.#attempt("door", () => {
      this.#parts.door.apply({ kind: "unlock", untilMs });
    });
  }

  #show(indication: Indication): void {
    this.#attempt("indicator", () => {
      this.#parts.indicator.apply(indication);
    });
  }

  #attempt(output: Output, work: () => void): void {
    const before = this.#failures[output];
    try {
      work();
      this.#failures = { ...this.#failures, [output]: null };
      if (before !== null) this.#parts.log.info({ output }, "works again");
    } catch (error) {
      const failure =
        error instanceof KioskError
          ? failureOf(error)
          : failureOf({ code: "gpio-failed", message: messageOf(error) });
      this.#failures = { ...this.#failures, [output]: failure };
      if (before === null) this.#parts.log.error({ output, ...failure }, "an output failed");
    }
  }
}
