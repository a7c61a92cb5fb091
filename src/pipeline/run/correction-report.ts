import type { ResultObject } from '../../results/result-context.ts';
import { draftReport } from '../../sr/report.ts';
import type { ReaderSegmentation, ReportReference } from '../../sr/report-input.ts';
import { type Past, reportInput, resultContext, type SegmentedSeries } from './create-results.ts';
import type { ResultSettings } from './run-parts.ts';

export interface CorrectionInput {
  readonly priors: Past['priors'];
  readonly apart?: Past['apart'];
  readonly supersedes: ReportReference;
  readonly seg: ReaderSegmentation & { readonly sopClassUid: string; readonly sopInstanceUid: string };
}

/**
 * The report of a reader's segmentation. As for the node's own, the same input gives the same bytes.
 * @param finding with the reader's mask and what was measured in it
 * @param firstTime the time at which a result of this name was first asked for
 */
export async function correctionReport(
  finding: SegmentedSeries,
  { priors, apart, supersedes, seg }: CorrectionInput,
  settings: ResultSettings,
  firstTime: (name: string) => Promise<Date>,
): Promise<{ report: ResultObject; contentDateTime: Date }> {
  const context = resultContext(finding, settings);
  const { segmentNumber, seriesInstanceUid, reader } = seg;
  const { sopInstanceUid, madeAt } = draftReport({
    ...reportInput(context, finding, [seg], { priors, apart }, settings),
    correction: { segmentNumber, seriesInstanceUid, ...(reader === undefined ? {} : { reader }) },
    supersedes,
  });
  const contentDateTime = await firstTime(`SR ${sopInstanceUid}`);
  return { report: madeAt(contentDateTime), contentDateTime };
}
