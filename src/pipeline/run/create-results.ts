import type { SeriesVolume } from '../../dicom/geometry/series-volume.ts';
import { ageInYears } from '../../dicom/reading/age.ts';
import type { Mode } from '../../inference-mode.ts';
import type { RelatedObject } from '../../pictures/picture-input.ts';
import type { ApartReason } from '../../results/apart-reason.ts';
import { bodySizeOf } from '../../results/body-size.ts';
import { meaningSentences } from '../../results/meaning.ts';
import { type QualityFlag, qualityFlags } from '../../results/quality-flags.ts';
import {
  type ResultContext,
  type ResultObject,
  type SegmentationForm,
  segmentationUid,
  sourceHeader,
} from '../../results/result-context.ts';
import { FORMATS_TO_TRY, RESULT_FORMAT, type ResultFormat } from '../../results/result-format.ts';
import { createSegmentation } from '../../seg/segmentation-object.ts';
import type { Measurement } from '../../segmentation/measure.ts';
import type { Model } from '../../segmentation/model/model-folder.ts';
import { draftReport, type ReportDraft } from '../../sr/report.ts';
import type {
  PriorVolume,
  ReportInput,
  ReportReference,
  SegmentationReference,
} from '../../sr/report-input.ts';
import { type Pictures, picturesOf } from './create-pictures.ts';
import type { ResultSettings } from './run-parts.ts';

/** One segmented series, or part of one, with what was found in it. */
export interface SegmentedSeries {
  readonly source: SeriesVolume;
  /** Which part of its series; left out where the series is one volume. */
  readonly part?: string | undefined;
  /** Under which name results of an older version may stand; see `SeriesPart.formerName`. */
  readonly formerPart?: string | undefined;
  /** Of contrast enhancement, where it is known. */
  readonly phase?: string | undefined;
  /** One byte per voxel of `source.volume`, 1 inside the pancreas. */
  readonly mask: Uint8Array;
  /** See `Segmentation.softMask`. */
  readonly softMask?: Uint8Array | undefined;
  readonly measurement: Measurement;
  readonly model: Model;
  readonly mode: Mode;
  /** See `ResultContext.reissue`. */
  readonly reissue?: string | undefined;
  /** See `ResultContext.trackingUid`. */
  readonly trackingUid?: string | undefined;
  /** See `ReportInput.remarks`. */
  readonly remarks?: readonly string[];
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
 * for: the times that go in are those at which each result was first made. Where the report that stands says
 * the same, both are made in the format that it has.
 * @param firstTime the time at which a result of this name was first asked for
 */
export async function createResults(
  finding: SegmentedSeries,
  { priors, apart, current }: Past,
  settings: ResultSettings,
  firstTime: (name: string) => Promise<Date>,
): Promise<Results> {
  const times = new Map<SegmentationForm, Date>();
  for (const form of settings.segmentation) {
    const name = `SEG ${segmentationUid(resultContext(finding, settings), form)}`;
    times.set(form, await firstTime(name));
  }
  const madeIn = (format: ResultFormat) => {
    const undated = { ...resultContext(finding, settings), format };
    const segmentations = [...times].flatMap(
      ([form, contentDateTime]) => createSegmentation({ ...undated, contentDateTime }, form) ?? [],
    );
    const input = reportInput(undated, finding, segmentations, { priors, apart }, settings);
    const draft = (supersedes: ReportReference | null): ReportDraft =>
      draftReport({ ...input, ...(supersedes ? { supersedes } : {}) });
    // The report that stands, made again, is that report; any other supersedes it.
    const again = draft(current?.supersedes ?? null);
    return { undated, segmentations, input, draft, again };
  };
  const format = settings.resultFormat ?? RESULT_FORMAT;
  const isStanding = ({ again }: ReturnType<typeof madeIn>) =>
    again.sopInstanceUid === current?.report.sopInstanceUid;
  let made = madeIn(format);
  for (const earlier of current ? FORMATS_TO_TRY.filter((one) => one !== format) : []) {
    if (isStanding(made)) break;
    const other = madeIn(earlier);
    if (isStanding(other)) made = other;
  }
  const { undated, segmentations, input, draft, again } = made;
  const [segmentation] = segmentations;
  const isNews = current !== null && !isStanding(made);
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
  { source, part, mask, softMask, model, mode, reissue, trackingUid }: SegmentedSeries,
  settings: ResultSettings,
): ResultContext {
  const { name, version, title, modality, notice } = model.info;
  const { contentQualification, softwareVersion, resultFormat, site } = settings;
  return {
    ...site,
    ...(resultFormat === undefined ? {} : { format: resultFormat }),
    ...(trackingUid === undefined ? {} : { trackingUid }),
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
  { measurement, source, model, remarks = [] }: SegmentedSeries,
  [segmentation, ...otherSegmentations]: readonly SegmentationReference[],
  { priors, apart }: Pick<Past, 'priors' | 'apart'>,
  { reportOutlines: outlines, repeatabilityPercent, reportForm, meaning }: ResultSettings,
): ReportInput {
  const { meanIntensity, sdIntensity } = measurement;
  const found =
    segmentation && meanIntensity !== undefined && sdIntensity !== undefined
      ? {
          segmentation: referenceOf(segmentation),
          measurement: { ...measurement, meanIntensity, sdIntensity },
        }
      : undefined;
  return {
    context,
    found,
    otherSegmentations: otherSegmentations.map(referenceOf),
    form: reportForm,
    outlines,
    flags: qualityFlags(measurement, source),
    priors,
    apart,
    remarks: found ? [...remarks, ...meaningOf(source, model, measurement.volumeMl, meaning)] : remarks,
    repeatabilityPercent: repeatabilityPercent[model.info.modality] ?? undefined,
  };
}

function meaningOf(
  source: SeriesVolume,
  { info: { modality: images } }: Model,
  ml: number,
  settings: ResultSettings['meaning'],
): string[] {
  const header = sourceHeader(source);
  const [ageYears, size] = [ageInYears(header), bodySizeOf(header)];
  return meaningSentences(settings, { ml, images, ageYears, size });
}

const referenceOf = ({ sopClassUid, sopInstanceUid, seriesInstanceUid }: SegmentationReference) => ({
  sopClassUid,
  sopInstanceUid,
  seriesInstanceUid,
});

/** What was left out or made up on the way from the images to the results, each once. */
export function warningsOf({ source }: SegmentedSeries, { segmentations, report }: Results): string[] {
  const objects = [...segmentations, report];
  return [...new Set([...source.warnings, ...objects.flatMap(({ warnings }) => warnings)])];
}
