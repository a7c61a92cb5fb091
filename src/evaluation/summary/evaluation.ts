import type { Mode } from '../../inference-mode.ts';
import type { Model } from '../../segmentation/model/model-folder.ts';
import { type GroupSummary, groupSummaries } from './group-summary.ts';
import type { CaseRow } from './rows.ts';

/** Everything that CSV, JSON and page are made of. */
export interface Evaluation {
  readonly softwareVersion: string;
  readonly madeAt: Date;
  readonly mode: Mode;
  /** Those that made the predictions; none: predictions were given. */
  readonly models: readonly Model[];
  readonly settings: {
    readonly labelValues: readonly number[] | undefined;
    readonly predictionValues: readonly number[] | undefined;
    readonly resample: boolean;
  };
  /** What the label folder and each folder of raters is called. */
  readonly raters: readonly string[];
  /** Images and predictions without a label. */
  readonly unlabelled: number;
  /** Whether the labels are the node's own accepted results and readers' corrections of them. */
  readonly labelsFromArchive: boolean;
  readonly rows: readonly CaseRow[];
  readonly groups: readonly GroupSummary[];
}

export const completed = (facts: Omit<Evaluation, 'groups'>): Evaluation => ({
  ...facts,
  groups: groupSummaries(facts.rows, facts.raters),
});
