import type { BenchRow } from './bench-row.ts';

export async function benchForward(): Promise<BenchRow[]> {
  return [];
}
