/** The last result and the seconds of the fastest of several runs. */
export function fastest<T>(repeats: number, work: () => T): { readonly result: T; readonly seconds: number } {
  let seconds = Number.POSITIVE_INFINITY;
  for (let run = 1; ; run++) {
    const start = performance.now();
    const result = work();
    seconds = Math.min(seconds, (performance.now() - start) / 1000);
    if (run >= repeats) return { result, seconds };
  }
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
