/** The arithmetic of the benchmark and the soak: quantiles, means and ratios of measured times. */

/** How a stage's times are spread, in ms. */
export interface Spread {
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** What of one looked-at frame the ratios need, in ms. */
export interface MeasuredFrame {
  readonly faces: number;
  readonly detectorCalls: number;
  readonly detectMs: number;
  readonly cropMs: number;
  readonly classifyMs: number;
}

/** The two models by themselves, in ms: one call of the face detector's graph, and one batch by its number of crops. */
export interface RawTimes {
  readonly detectMs: number;
  readonly classifyMsOf: ReadonlyMap<number, number>;
}

export interface Ratios {
  /** (crop + classify) / raw inference of as many crops; 1 would be no overhead. NaN without a face. */
  readonly cropToVerdict: number;
  /** detect / (detector calls x raw inference of one call). */
  readonly detect: number;
}

/** The smallest value that at least this share of the values does not exceed; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const inOrder = values.toSorted((a, b) => a - b);
  return inOrder[Math.max(0, Math.ceil(share * inOrder.length) - 1)] ?? NaN;
}

export function spread(values: readonly number[]): Spread {
  return {
    n: values.length,
    p50: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    p99: quantile(values, 0.99),
  };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Medians over the frames, each divided by the raw inference of the same work. */
export function ratios(frames: readonly MeasuredFrame[], raw: RawTimes): Ratios {
  const withFaces = frames.filter(({ faces }) => raw.classifyMsOf.has(faces));
  return {
    cropToVerdict: quantile(
      withFaces.map(
        ({ faces, cropMs, classifyMs }) => (cropMs + classifyMs) / (raw.classifyMsOf.get(faces) ?? NaN),
      ),
      0.5,
    ),
    detect: quantile(
      frames
        .filter(({ detectorCalls }) => detectorCalls > 0)
        .map(({ detectMs, detectorCalls }) => detectMs / (detectorCalls * raw.detectMs)),
      0.5,
    ),
  };
}

/** By how much the last minute's mean exceeds the first minute's, as a share of it. */
export function growth(firstBytes: readonly number[], lastBytes: readonly number[]): number {
  return mean(lastBytes) / mean(firstBytes) - 1;
}
