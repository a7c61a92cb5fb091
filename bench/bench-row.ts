/** A line of the table. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, in the same unit: another program on this machine, or what was promised. */
  readonly peer?: { readonly name: string; readonly value: number } | undefined;
}

export interface BenchOptions {
  /** Small sizes: shows that the part works, says nothing of speed. */
  readonly quick: boolean;
  /** For files, empty at first and shared by the parts that run one after the other; removed in the end. */
  readonly folder: string;
}

export type BenchPart = (options: BenchOptions) => Promise<BenchRow[]>;

const HEADINGS = ['name', 'value', 'unit', 'peer', 'ratio (peer / value)'];

/** The rows as text, in columns. */
export function formatTable(rows: readonly BenchRow[]): string {
  const lines = [HEADINGS, ...rows.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const rule = widths.map((width) => '-'.repeat(width));
  return [lines[0] ?? [], rule, ...lines.slice(1)]
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cells({ name, value, unit, peer }: BenchRow): string[] {
  if (!peer) return [name, significant(value), unit, '', ''];
  const ratio = value === 0 ? '' : (peer.value / value).toFixed(1);
  return [name, significant(value), unit, `${significant(peer.value)} (${peer.name})`, ratio];
}

const significant = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
