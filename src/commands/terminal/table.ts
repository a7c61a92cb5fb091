/** What fills two columns of a terminal: East Asian scripts (Unicode TR11, roughly). */
const WIDE =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]/gu;
const MARKS = /\p{M}/gu;

/** What a stranger's text may not do to a terminal. */
const CONTROLS = /\p{Cc}+/gu;

const widthOf = (text: string): number =>
  Array.from(text.replaceAll(MARKS, '')).length + (text.match(WIDE)?.length ?? 0);

/** Rows under headers, each column as wide as its widest cell; the last one is not filled up. */
export function tableOf(headers: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const clean = rows.map((row) => row.map((cell) => cell.replaceAll(CONTROLS, ' ')));
  const all = [headers, ...clean];
  const widths = headers.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell))))
      .join('  ')
      .trimEnd();
  return [line(headers), line(widths.map((width) => '-'.repeat(width))), ...clean.map(line)];
}
