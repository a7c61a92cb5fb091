import type { Mode } from '../inference-mode.ts';
import type { FoundPancreas } from '../pipeline/run/find-pancreas.ts';
import { type IntervalBasis, intervalMethod, NOT_CALIBRATED } from '../results/interval-method.ts';
import type { QualityFlag } from '../results/quality-flags.ts';
import type { Measurement } from '../segmentation/measure.ts';
import type { Model } from '../segmentation/model/model-folder.ts';
import type { Output, OutputFile } from './output-folder.ts';

/** What `result.json` says. */
export type SegmentSummary = (DicomOrigin | NiftiOrigin) & Numbers;

/** Where the numbers of a DICOM series come from. */
interface DicomOrigin {
  readonly seriesInstanceUid: string;
  readonly seriesDescription: string;
  /** Which of the volumes that the series holds, where there are several. */
  readonly part?: string;
  /** Why this series. */
  readonly reason: string;
  /** What else was segmented, and what was found in it; left out where nothing was. */
  readonly tried?: readonly TriedSeries[];
}

interface TriedSeries {
  readonly seriesInstanceUid: string;
  readonly seriesDescription: string;
  readonly found: string;
}

/** Where the numbers of a NIfTI file come from. */
interface NiftiOrigin {
  /** The file's name, without its folders. */
  readonly image: string;
}

interface Numbers extends Pick<Measurement, 'volumeMl' | 'voxelCount'> {
  /** What the true volume may be, and how that is known. */
  readonly volumeIntervalMl: { readonly low: number; readonly high: number; readonly method: string } | null;
  readonly researchUseOnly: true;
  readonly model: { name: string; title: string; version: string; sha256: string; notice?: string };
  readonly mode: Mode;
  /** HU for CT; null where nothing was found. */
  readonly meanIntensity: number | null;
  readonly sdIntensity: number | null;
  readonly flags: readonly QualityFlag[];
  readonly warnings: readonly string[];
  readonly files: readonly OutputFile[];
  /** Of each stage; `segment` is made of the three in `segmentSeconds`, and of starting up. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly segmentSeconds: FoundPancreas['seconds'];
}

export interface Summarized {
  readonly found: FoundPancreas;
  readonly model: Model;
  readonly mode: Mode;
  readonly flags: readonly QualityFlag[];
  readonly warnings: readonly string[];
  readonly outputs: readonly Output[];
  readonly seconds: Readonly<Record<string, number>>;
}

const methodOf = (basis: IntervalBasis | undefined): string =>
  basis ? intervalMethod(basis) : `${intervalMethod(basis)}; ${NOT_CALIBRATED}`;

export function summarize(
  source: DicomOrigin | NiftiOrigin,
  { found, model, mode, flags, warnings, outputs, seconds }: Summarized,
): SegmentSummary {
  const { name, title, version, notice } = model.info;
  const { volumeMl, voxelCount, volumeIntervalMl: interval, meanIntensity, sdIntensity } = found.measurement;
  return {
    researchUseOnly: true,
    model: { name, title, version, sha256: model.sha256, ...(notice ? { notice } : {}) },
    mode,
    ...source,
    volumeMl,
    voxelCount,
    volumeIntervalMl: interval
      ? { low: interval.low, high: interval.high, method: methodOf(interval.basis) }
      : null,
    meanIntensity: meanIntensity ?? null,
    sdIntensity: sdIntensity ?? null,
    flags,
    warnings,
    files: [...outputs.map((output) => output.name), 'result.json'],
    seconds,
    segmentSeconds: found.seconds,
  };
}
