import { type DicomDataset, number, text } from '../reading/dataset.ts';

/**
 * Why instances that are parts of one concatenation (PS3.3 C.7.6.16.2.2.4) are not the whole of it: a part is
 * missing, or is there twice. Undefined where all are there, in whatever order they come, and for instances
 * that are no parts. Without InConcatenationTotalNumber, which writers may leave out, the last part may be
 * missing unseen: only holes are.
 * @param instances all instances of a series
 */
export function concatenationProblem(instances: readonly DicomDataset[]): string | undefined {
  const parts = instances.filter((one) => text(one, 'InConcatenationNumber') !== undefined);
  const concatenations = Map.groupBy(parts, (one) => text(one, 'ConcatenationUID') ?? '');
  for (const [uid, own] of concatenations) {
    const problem = problemOf(own);
    if (problem !== undefined) return `concatenation ${uid || 'without ConcatenationUID'} ${problem}`;
  }
  return undefined;
}

/** No concatenation has more parts; a header that claims more would make an endless message. */
const MOST_PARTS = 10_000;
/** How many missing parts a message names. */
const EXAMPLES = 5;

function problemOf(parts: readonly DicomDataset[]): string | undefined {
  const totals = new Set(parts.flatMap((part) => number(part, 'InConcatenationTotalNumber') ?? []));
  const numbers = parts.map((part) => number(part, 'InConcatenationNumber') ?? Number.NaN);
  if (totals.size > 1) return `says that it has ${[...totals].sort((a, b) => a - b).join(' and ')} parts`;
  const [stated] = totals;
  const total = stated ?? Math.max(...numbers);
  const isCount = (value: number) => Number.isInteger(value) && value >= 1 && value <= MOST_PARTS;
  if (!isCount(total) || !numbers.every((value) => isCount(value) && value <= total)) {
    return `numbers its parts ${numbers.join(', ')}${stated === undefined ? '' : ` of ${stated}`}`;
  }
  const missing = Array.from({ length: total }, (_, i) => i + 1).filter((one) => !numbers.includes(one));
  if (missing.length > 0) {
    const more = missing.length > EXAMPLES ? ` and ${missing.length - EXAMPLES} more` : '';
    const named = missing.slice(0, EXAMPLES).join(', ');
    return `lacks part ${named}${more} of ${total}: it is not complete`;
  }
  const twice = numbers.find((one, i) => numbers.indexOf(one) !== i);
  return twice === undefined ? undefined : `has part ${twice} of ${total} twice`;
}
