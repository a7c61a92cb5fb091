import type { SeriesVolume } from '../../dicom/geometry/series-volume.ts';
import type { Mode } from '../../inference-mode.ts';
import type { RelatedObject } from '../../pictures/picture-input.ts';
import type { ApartReason } from '../../results/apart-reason.ts';
import { type QualityFlag, qualityFlags } from '../../results/quality-flags.ts';
import { type ResultContext, type ResultObject, segmentationUid } from '../../results/result-context.ts';
import { createSegmentation } from '../../seg/segmentation-object.ts';
import type { Measurement } from '../../segmentation/measure.ts';
import type { Model } from '../../segmentation/model/model-folder.ts';
import { draftReport, type ReportDraft } from '../../sr/report.ts';
import type { PriorVolume, ReportInput, ReportReference } from '../../sr/report-input.ts';
import { type Pictures, picturesOf } from './create-pictures.ts';
import type { ResultSettings } from './run-parts.ts';

/** One segmented series, or part of one, with what was found in it. */
export interface SegmentedSeries {
  readonly source: SeriesVolume;
  /** Which part of its series; left out where the series is one volume. */
  readonly part?: string | undefined;
  /** Under which name results of an older version may stand; see `SeriesPart.formerName`. */
  readonly formerPart?: string | undefined;
  /** One byte per voxel of `source.volume`, 1 inside the pancreas. */
  readonly mask: Uint8Array;
  /** See `Segmentation.softMask`. */
  readonly softMask?: Uint8Array | undefined;
  readonly measurement: Measurement;
  readonly model: Model;
  readonly mode: Mode;
  /** See `ResultContext.reissue`. */
  readonly reissue?: string | undefined;
}

/** What the report says about the past. */
export interface Past {
  readonly priors: readonly PriorVolume[];
  /** See `ReportInput.apart`. */
  readonly apart?: ApartReason | undefined;
  /**
   * The report of the same series and model that stands in the archive, and the one that it superseded
   * itself.
   */
  readonly current: { readonly report: ReportReference; readonly supersedes: ReportReference | null } | null;
}

export interface Results {
  /** In each form that the site wants; none where nothing was found: an empty SEG hangs viewers. */
  readonly segmentations: readonly ResultObject[];
  /** The first of them, to which the report refers. */
  readonly segmentation: ResultObject | undefined;
  readonly report: ResultObject;
  readonly pictures: Pictures;
  readonly flags: readonly QualityFlag[];
  /** Of the report. */
  readonly contentDateTime: Date;
  readonly supersedes: ReportReference | null;
}

/**
 * SEG and report of a finding. The same finding with the same past gives the same bytes whenever it is asked
 * for: the times that go in are those at which each result was first made.
 * @param firstTime the time at which a result of this name was first asked for
 */
export async function createResults(
  finding: SegmentedSeries,
  { priors, apart, current }: Past,
  settings: ResultSettings,
  firstTime: (name: string) => Promise<Date>,
): Promise<Results> {
  const undated = resultContext(finding, settings);
  const segmentations: ResultObject[] = [];
  for (const form of settings.segmentation) {
    const contentDateTime = await firstTime(`SEG ${segmentationUid(undated, form)}`);
    const object = createSegmentation({ ...undated, contentDateTime }, form);
    if (object) segmentations.push(object);
  }
  const [segmentation] = segmentations;
  const input = reportInput(undated, finding, segmentation, { priors, apart }, settings);
  const draft = (supersedes: ReportReference | null): ReportDraft =>
    draftReport({ ...input, ...(supersedes ? { supersedes } : {}) });
  // The report that stands, made again, is that report; any other supersedes it.
  const again = draft(current?.supersedes ?? null);
  const isNews = current !== null && again.sopInstanceUid !== current.report.sopInstanceUid;
  const supersedes = isNews ? current.report : (current?.supersedes ?? null);
  const { sopInstanceUid, madeAt } = isNews ? draft(supersedes) : again;
  const contentDateTime = await firstTime(`SR ${sopInstanceUid}`);
  const report = madeAt(contentDateTime);
  const related = [
    ...segmentations.map((object) => relatedObject('segmentation', object)),
    relatedObject('report', report),
  ];
  const dated = {
    ...input,
    context: { ...undated, contentDateTime },
    ...(supersedes ? { supersedes } : {}),
  };
  return {
    segmentations,
    segmentation,
    report,
    pictures: picturesOf(dated, related, settings.pictures),
    flags: input.flags,
    contentDateTime,
    supersedes,
  };
}

const relatedObject = (
  kind: RelatedObject['kind'],
  { sopClassUid, sopInstanceUid }: ResultObject,
): RelatedObject => ({ kind, sopClassUid, sopInstanceUid });

export function resultContext(
  { source, part, mask, softMask, model, mode, reissue }: SegmentedSeries,
  settings: ResultSettings,
): ResultContext {
  const { name, version, title, modality, notice } = model.info;
  const { contentQualification, softwareVersion } = settings;
  return {
    series: source,
    mask,
    softMask,
    ...(part === undefined ? {} : { part }),
    ...(reissue === undefined ? {} : { reissue }),
    model: {
      name,
      version,
      title,
      modality,
      ...(notice ? { notice } : {}),
      sha256: model.sha256,
      mode,
    },
    contentDateTime: new Date(0),
    contentQualification,
    softwareVersion,
  };
}

/** What the report of a finding says, but for what it takes the place of. */
export function reportInput(
  context: ResultContext,
  { measurement, source, model }: SegmentedSeries,
  segmentation: ReportedSegmentation | undefined,
  { priors, apart }: Pick<Past, 'priors' | 'apart'>,
  { reportOutlines: outlines, repeatabilityPercent }: ResultSettings,
): ReportInput {
  const { meanIntensity, sdIntensity } = measurement;
  const found =
    segmentation && meanIntensity !== undefined && sdIntensity !== undefined
      ? { segmentation, measurement: { ...measurement, meanIntensity, sdIntensity } }
      : undefined;
  return {
    context,
    found,
    outlines,
    flags: qualityFlags(measurement, source),
    priors,
    apart,
    repeatabilityPercent: repeatabilityPercent[model.info.modality] ?? undefined,
  };
}
type ReportedSegmentation = NonNullable<ReportInput['found']>['segmentation'];

/** What was left out or made up on the way from the images to the results, each once. */
export function warningsOf({ source }: SegmentedSeries, { segmentations, report }: Results): string[] {
  const objects = [...segmentations, report];
  return [...new Set([...source.warnings, ...objects.flatMap(({ warnings }) => warnings)])];
}
