import type { CaseOutcome } from '../cases/evaluate-cases.ts';

/** A case as tables and pages tell of it. */
export interface CaseRow {
  /** From 1 on, in the order of the names: what a case is called where names are not shown. */
  readonly number: number;
  /** Undefined where names are not shown. */
  readonly shownName: string | undefined;
  /** Values of the columns that cases are grouped by, `modality` among them where it is known. */
  readonly groups: ReadonlyMap<string, string>;
  /** The subject whose repeated scans the case is one of. */
  readonly subject: string | undefined;
  /** By which model, as its name; undefined for predictions that were given. */
  readonly model: string | undefined;
  readonly outcome: CaseOutcome;
}

export const titleOf = ({ number, shownName }: CaseRow): string => shownName ?? `case ${number}`;

export const MODALITY_COLUMN = 'modality';

/** The three kinds of images of the article, and how people write them. */
const MODALITIES = ['CT', 'T1W', 'T2W'] as const;
export type Modality = (typeof MODALITIES)[number];

/** `t1`, `T1-weighted` and `T1W` are one; undefined for anything else. */
export function modalityOf(text: string): Modality | undefined {
  const plain = text.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
  if (plain === 'CT') return 'CT';
  const match = /^(?:MR|MRI)?(T[12])(?:W|WEIGHTED|WI)?$/.exec(plain);
  return match ? `${match[1] as 'T1' | 'T2'}W` : undefined;
}
