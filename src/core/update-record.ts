/**
 * What the kiosk knows of its models across power cuts, and how that changes: pure. A record names the model that runs and
 * the one behind it; three slots rotate, so that one of them is always unnamed and free for the next candidate.
 *
 * INVARIANTS
 *
 *  1. The free slot is none that the record names; only the free slot is ever written.
 *  2. `active` changes in one step to a verified candidate or back; no step leaves the record without a model.
 *  3. The ledger (highest versions, retired keys) changes only when a trial is marked good.
 *  4. A trial that ends badly leaves the record as it was before the switch, but for what it tells of the trial.
 *  5. While a trial runs no other begins.
 */

/** Folders of the store, and the model that comes with maskgate: the last resort, never written. */
export const slotNames = ["slot-a", "slot-b", "slot-c"] as const;
export type SlotName = (typeof slotNames)[number];
export type Place = "packaged" | SlotName;

/** A model at a place. The id is given once and never again: the same place with another id holds another model. */
export interface ModelRef {
  readonly place: Place;
  readonly id: number;
  /** Of the bundle that it came in; 0 for the packaged one. */
  readonly version: number;
  /** SHA-256 of that bundle's manifest; null for the packaged one. */
  readonly bundle: string | null;
}

export const packaged: ModelRef = { place: "packaged", id: 0, version: 0, bundle: null };

/** What good bundles leave behind: by the key that signed it the highest version and its bundle, and the keys that count no more. */
export interface KeptLedger {
  readonly counters: Readonly<Record<string, number>>;
  readonly bundles: Readonly<Record<string, string>>;
  readonly retired: readonly string[];
}

/** How the daemon did with the model before: what a candidate is held against. */
export interface Baseline {
  readonly framesPerSecond: number;
  readonly hasVisionFault: boolean;
  /** Id of the model that decided then: another than the active one where that could not be loaded. */
  readonly running: number | null;
}

/** The active model is on probation. */
export interface Trial {
  /** How often its probation has begun. */
  readonly attempts: number;
  /** What the ledger becomes once the bundle is good. */
  readonly ledger: KeptLedger;
  /** What `previous` was before the switch, so that a rollback brings everything back. */
  readonly before: ModelRef;
  /** Seen at the switch; null if the daemon did not answer then. */
  readonly baseline: Baseline | null;
}

/** How the last trial ended. */
export interface Ending {
  readonly kind: "good" | "rolled-back";
  readonly version: number;
  readonly reason: string | null;
}

export interface UpdateRecord {
  readonly schema: 1;
  /** The largest id that was ever given. */
  readonly lastId: number;
  readonly active: ModelRef;
  /** What runs if the active one cannot. */
  readonly previous: ModelRef;
  readonly ledger: KeptLedger;
  readonly trial: Trial | null;
  readonly last: Ending | null;
}

/** Of a kiosk that never saw a bundle. */
export const initialRecord: UpdateRecord = {
  schema: 1,
  lastId: 0,
  active: packaged,
  previous: packaged,
  ledger: { counters: {}, bundles: {}, retired: [] },
  trial: null,
  last: null,
};

/** The slots whose content counts. */
export function namedSlots(record: UpdateRecord): readonly SlotName[] {
  const places = [record.active, ...behind(record)].map(({ place }) => place);
  return slotNames.filter((slot) => places.includes(slot));
}

/** Where the next candidate goes; undefined during a trial. */
export function freeSlot(record: UpdateRecord): SlotName | undefined {
  const named = namedSlots(record);
  return record.trial === null ? slotNames.find((slot) => !named.includes(slot)) : undefined;
}

/** The models to follow, in this order: each at most once, the packaged one last. */
export function modelsToTry(record: UpdateRecord): readonly ModelRef[] {
  return eachOnce([record.active, ...behind(record), packaged]);
}

/** The models to start with, in this order: one on probation last, so that nothing unproven stands between the power and the door. */
export function modelsToStart(record: UpdateRecord): readonly ModelRef[] {
  if (record.trial === null) return modelsToTry(record);
  return eachOnce([...behind(record), packaged, record.active]);
}

/** What was active before a trial may be damaged, and its own predecessor the one that works. */
function behind({ previous, trial }: UpdateRecord): readonly ModelRef[] {
  return trial === null ? [previous] : [previous, trial.before];
}

function eachOnce(refs: readonly ModelRef[]): readonly ModelRef[] {
  return refs.filter((ref, n) => refs.findIndex((other) => isSameModel(other, ref)) === n);
}

export function isSameModel(a: ModelRef, b: ModelRef): boolean {
  return a.place === b.place && a.id === b.id;
}

/** What is known of a bundle once its manifest is believed. */
export interface Candidate {
  readonly version: number;
  readonly bundle: string;
  /** What the ledger becomes once it is good. */
  readonly ledger: KeptLedger;
}

/** Puts the verified content of the free slot on probation. */
export function beginTrial(
  record: UpdateRecord,
  slot: SlotName,
  { version, bundle, ledger }: Candidate,
  baseline: Baseline | null = null,
): UpdateRecord {
  if (slot !== freeSlot(record)) throw new Error(`${slot} is not free`);
  const id = record.lastId + 1;
  return {
    ...record,
    lastId: id,
    active: { place: slot, id, version, bundle },
    previous: record.active,
    trial: { attempts: 0, ledger, before: record.previous, baseline },
  };
}

/** One more try of the trial's probation: after a power cut, or after the updater was killed. */
export function beginProbation(record: UpdateRecord): UpdateRecord {
  const { trial } = record;
  return trial === null ? record : { ...record, trial: { ...trial, attempts: trial.attempts + 1 } };
}

/** The reasons of ends that a person wanted. */
export const byHand = { good: "marked good by hand", back: "by hand" } as const;

/** Ends the trial well; `reason` if it was not the probation that decided. */
export function markGood(record: UpdateRecord, reason: string | null = null): UpdateRecord {
  const { active, trial } = record;
  if (trial === null) return record;
  // A bundle that was installed again stands in for its damaged self: what was behind that stays behind.
  const isAgain = active.bundle === record.previous.bundle;
  // And where the active model could not be loaded, what decided in its place stays behind, not what could not.
  const stoodIn = trial.baseline?.running === trial.before.id;
  return {
    ...record,
    previous: isAgain || stoodIn ? trial.before : record.previous,
    ledger: trial.ledger,
    trial: null,
    last: { kind: "good", version: active.version, reason },
  };
}

/** Ends the trial badly; without a trial, goes back to the previous model because somebody wants it. */
export function rollBack(record: UpdateRecord, reason: string): UpdateRecord {
  const { active, previous, trial } = record;
  return {
    ...record,
    active: previous,
    previous: trial === null ? packaged : trial.before,
    trial: null,
    last: { kind: "rolled-back", version: active.version, reason },
  };
}
