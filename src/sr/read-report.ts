import { type DicomDataset, type Instance, readInstance, text, texts } from '../dicom/reading/dataset.ts';
import { CODES, isCode } from '../results/codes.ts';
import { isOwnResult } from '../results/own-results.ts';
import { flagOf, type QualityFlag } from '../results/quality-flags.ts';
import { readTime } from './observation-time.ts';
import { type ReadAlgorithm, readAlgorithm, readDescribedAlgorithm } from './read-algorithm.ts';
import { child, children, first, isMeasuredIn, isNamed, measuredValue, references } from './read-items.ts';
import { isReportClass, reportClassUid } from './report-form.ts';
import { voxelCountIn } from './words.ts';

interface InstanceInSeries {
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
}

/**
 * What one of the node's own reports says, whatever version wrote it; undefined where that version did not
 * say it.
 */
export interface VolumeReport {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  readonly sopClassUid: string;
  readonly patient: { readonly patientId: string | undefined; readonly issuer: string | undefined };
  /** Of the study, as DA and TM; undefined where the study has none. */
  readonly studyDate: string | undefined;
  readonly studyTime: string | undefined;
  /** Undefined where nothing was found. */
  readonly volumeMl: number | undefined;
  /** Zero where nothing was found. */
  readonly voxelCount: number | undefined;
  readonly volumeIntervalMl: { readonly low: number; readonly high: number } | undefined;
  /**
   * Relative changes in percent: since the first study, then since the previous one where that is another.
   */
  readonly changesPercent: readonly number[];
  /** `CT` or `MR`. */
  readonly modality: string | undefined;
  /**
   * The network, and which images of the series it was run on; undefined for the volume of a reader's
   * segmentation.
   */
  readonly algorithm: ReadAlgorithm | undefined;
  /** Where nothing was found there is no segment, and the series is that of the images. */
  readonly sourceSeriesUid: string | undefined;
  readonly segmentation: InstanceInSeries | undefined;
  readonly trackingUid: string | undefined;
  readonly flags: readonly QualityFlag[];
  /** The report that it takes the place of. */
  readonly supersedes: string | undefined;
  readonly supersededClassUid: string | undefined;
  /** The studies whose volumes it compares with. */
  readonly priorStudies: readonly string[];
  /** When it was made; undefined where it states no time. */
  readonly contentDateTime: Date | undefined;
}

/**
 * Reads a report that the node wrote; undefined for any other object.
 * Throws DICOM_UNREADABLE for bytes that are not DICOM.
 */
export function readReport(
  report: Uint8Array | Pick<Instance, 'dataset'>,
  source = 'report',
): VolumeReport | undefined {
  const { dataset } = 'dataset' in report ? report : readInstance(report, source);
  if (!isReportClass(text(dataset, 'SOPClassUID')) || !isOwnResult(dataset)) return undefined;
  const titles = [CODES.imagingMeasurementReport, CODES.diagnosticImagingReport];
  if (!titles.some((title) => isNamed(dataset, title))) return undefined;
  const evaluations = child(dataset, CODES.qualitativeEvaluations);
  const measurements = child(dataset, CODES.imagingMeasurements);
  const algorithm =
    readAlgorithm(measurements) ??
    readAlgorithm(evaluations) ??
    readDescribedAlgorithm(child(dataset, CODES.currentProcedureDescriptions));
  const group = measuredGroup(measurements);
  const library = child(child(dataset, CODES.imageLibrary), CODES.imageLibraryGroup);
  const volume = child(group, CODES.volume);
  const volumeMl = measuredValue(volume);
  const [superseded] = references(dataset, 'PredecessorDocumentsSequence');
  return {
    studyInstanceUid: text(dataset, 'StudyInstanceUID') ?? '',
    seriesInstanceUid: text(dataset, 'SeriesInstanceUID') ?? '',
    sopInstanceUid: text(dataset, 'SOPInstanceUID') ?? '',
    sopClassUid: reportClassUid({ sopClassUid: text(dataset, 'SOPClassUID') }),
    patient: { patientId: text(dataset, 'PatientID'), issuer: text(dataset, 'IssuerOfPatientID') },
    studyDate: text(dataset, 'StudyDate'),
    studyTime: text(dataset, 'StudyTime'),
    volumeMl,
    voxelCount: volumeMl === undefined ? 0 : voxelCount(volume, volumeMl, library),
    volumeIntervalMl: interval(group, volumeMl) ?? interval(volume, volumeMl),
    changesPercent: [
      ...children(group, CODES.differenceInSize),
      ...children(child(dataset, CODES.derivedMeasurements), CODES.differenceInSize),
    ]
      .filter((item) => isMeasuredIn(item, CODES.percent))
      .flatMap((item) => measuredValue(item) ?? []),
    modality: modality(dataset, library),
    algorithm,
    sourceSeriesUid: text(child(group, CODES.sourceSeriesForSegmentation), 'UID') ?? imageSeries(dataset),
    segmentation: segmentation(dataset, group),
    trackingUid: text(child(trackedGroup(measurements), CODES.trackingUniqueIdentifier), 'UID'),
    flags: [
      ...children(evaluations, CODES.qualityFinding),
      ...children(child(dataset, CODES.findings), CODES.finding),
    ]
      .flatMap((item) => texts(item, 'TextValue'))
      .flatMap((meaning) => flagOf(meaning) ?? []),
    supersedes: superseded?.sopInstanceUid,
    supersededClassUid: superseded?.sopClassUid || undefined,
    priorStudies: references(dataset, 'PertinentOtherEvidenceSequence').map(
      ({ studyInstanceUid }) => studyInstanceUid,
    ),
    contentDateTime: readTime(dataset),
  };
}

/** The group with the volume: beside it, format 3 has one with outlines. */
function measuredGroup(measurements: DicomDataset): DicomDataset {
  const groups = children(measurements, CODES.measurementGroup);
  return groups.find((group) => children(group, CODES.volume).length > 0) ?? {};
}

/** Whatever was found or not: all groups of a report are of one pancreas. */
function trackedGroup(measurements: DicomDataset): DicomDataset {
  return child(measurements, CODES.measurementGroup);
}

/** Of the images in the library; a report without one says what procedure it is of. */
function modality(dataset: DicomDataset, library: DicomDataset): string | undefined {
  const stated = text(first(child(library, CODES.modality), 'ConceptCodeSequence'), 'CodeValue');
  if (stated !== undefined) return stated;
  const procedure = first(child(dataset, CODES.procedureReported), 'ConceptCodeSequence');
  if (isCode(procedure, CODES.ctProcedure)) return CODES.ct.value;
  return isCode(procedure, CODES.mrProcedure) ? CODES.mr.value : undefined;
}

/** As stated; format 1 did not state it, and it follows from the size of a voxel. */
function voxelCount(volume: DicomDataset, volumeMl: number, library: DicomDataset): number | undefined {
  const stated = voxelCountIn(text(child(volume, CODES.equation), 'TextValue') ?? '');
  if (stated !== undefined) return stated;
  const names = [CODES.horizontalPixelSpacing, CODES.verticalPixelSpacing, CODES.spacingBetweenSlices];
  const millimetres = names.map((name) => measuredValue(child(library, name)) ?? Number.NaN);
  const count = Math.round((1000 * volumeMl) / millimetres.reduce((product, length) => product * length, 1));
  return Number.isFinite(count) ? count : undefined;
}

/** Beside the volume, or as properties of it. */
function interval(group: DicomDataset, volumeMl: number | undefined): VolumeReport['volumeIntervalMl'] {
  const above = measuredValue(child(group, CODES.upperUncertainty));
  const below = measuredValue(child(group, CODES.lowerUncertainty));
  if (volumeMl === undefined || above === undefined || below === undefined) return undefined;
  return { low: volumeMl - below, high: volumeMl + above };
}

/** The SEG of the referenced segment, in the series that the evidence names. */
function segmentation(dataset: DicomDataset, group: DicomDataset): InstanceInSeries | undefined {
  const reference = first(child(group, CODES.referencedSegment), 'ReferencedSOPSequence');
  const sopInstanceUid = text(reference, 'ReferencedSOPInstanceUID');
  const listed = references(dataset, 'CurrentRequestedProcedureEvidenceSequence').find(
    (one) => one.sopInstanceUid === sopInstanceUid,
  );
  return listed && { seriesInstanceUid: listed.seriesInstanceUid, sopInstanceUid: listed.sopInstanceUid };
}

/** The series of the first image in the library: the only series of the evidence where nothing was found. */
function imageSeries(dataset: DicomDataset): string | undefined {
  return references(dataset, 'CurrentRequestedProcedureEvidenceSequence')[0]?.seriesInstanceUid;
}
