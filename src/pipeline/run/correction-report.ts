import { qualityFlags } from '../../results/quality-flags.ts';
import type { ResultObject } from '../../results/result-context.ts';
import { createReport } from '../../sr/report.ts';
import type { PriorVolume, ReaderSegmentation, ReportInput, ReportReference } from '../../sr/report-input.ts';
import { type Finding, foundIn, resultContext } from './create-results.ts';
import type { ResultSettings } from './run-parts.ts';

export interface CorrectionInput {
  readonly priors: readonly PriorVolume[];
  readonly supersedes: ReportReference;
  readonly seg: ReaderSegmentation & { readonly sopClassUid: string; readonly sopInstanceUid: string };
}

/**
 * The report of a reader's segmentation. As for the node's own, the same input gives the same bytes.
 * @param finding with the reader's mask and what was measured in it
 * @param firstTime the time at which a result of this name was first asked for
 */
export async function correctionReport(
  finding: Finding,
  { priors, supersedes, seg }: CorrectionInput,
  settings: ResultSettings,
  firstTime: (name: string) => Promise<Date>,
): Promise<{ report: ResultObject; contentDateTime: Date }> {
  const undated = resultContext(finding, settings);
  const input: ReportInput = {
    context: undated,
    found: foundIn(finding, seg),
    outlines: settings.reportOutlines,
    correction: { segmentNumber: seg.segmentNumber, seriesInstanceUid: seg.seriesInstanceUid },
    flags: qualityFlags(finding.measurement, finding.source),
    priors,
    repeatabilityPercent: settings.repeatabilityPercent[finding.model.info.modality] ?? undefined,
    supersedes,
  };
  const { sopInstanceUid } = createReport(input);
  const contentDateTime = await firstTime(`SR ${sopInstanceUid}`);
  return { report: createReport({ ...input, context: { ...undated, contentDateTime } }), contentDateTime };
}
