import { smallInstance } from './small-instance.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from './small-series.ts';

/*
 * The studies behind test/fixtures/version-0.1.0. Results and UIDs that are kept there come from these
 * images: what this file, small-series.ts and small-instance.ts make of them must stay as it is.
 */

/** What each study of the fixtures is there for. */
export const KEPT = {
  found: '2.25.120101',
  withPriors: '2.25.120102',
  corrected: '2.25.120103',
  nothingFound: '2.25.120104',
  superseding: '2.25.120105',
  part: '2.25.120106',
  withdrawn: '2.25.120107',
  rejected: '2.25.120108',
  skipped: '2.25.120109',
  optedOut: '2.25.120110',
  failed: '2.25.120111',
  ignored: '2.25.120112',
  later: '2.25.120113',
  absent: '2.25.120114',
  running: '2.25.120115',
  queued: '2.25.120116',
} as const;
export type KeptStudy = keyof typeof KEPT;

export const OPTED_OUT_PATIENT = 'P-OUT';
/** A study that nobody has sent yet. */
export const OPTED_OUT_STUDY = '2.25.120190';
export const READER_SERIES = '2.25.120191';
/** Who sends what a routing rule leaves alone, and what one puts off. */
export const IGNORED_SENDER = 'RESEARCH_CT';
export const LATE_SENDER = 'NIGHT_CT';

/** A zone, so that dates in results don't depend on where they are made. */
const COMMON = { TimezoneOffsetFromUTC: '+0100', PatientSex: 'F', PatientBirthDate: '19600102' };
/** Coarse pixels, so that the ball is as large as a pancreas. */
const SPACING = { PixelSpacing: ['13', '13'] };

const T2W = {
  Modality: 'MR',
  SOPClassUID: '1.2.840.10008.5.1.4.1.1.4',
  SeriesDescription: 't2 haste tra',
};

type Attributes = Readonly<Record<string, unknown>>;

const ct = (study: KeptStudy, patient: string, date: string, more: Attributes = {}, slices = 12) =>
  smallCtSeries(
    KEPT[study],
    { ...COMMON, ...SPACING, PatientID: patient, PatientName: `Doe^${patient}`, StudyDate: date, ...more },
    slices,
  );

/** Two phases in one series: acquired one after the other, the second the larger ball. */
function phases(study: string, more: Attributes): Uint8Array[] {
  const edge = 16;
  return [1, 2].flatMap((phase) =>
    Array.from({ length: 12 }, (_, slice) => {
      const pixels = Int16Array.from({ length: edge * edge }, (_value, index) => {
        const squared =
          ((index % edge) - edge / 2) ** 2 + (Math.floor(index / edge) - edge / 2) ** 2 + (slice - 6) ** 2;
        return squared < 9 * phase ? 120 : -20;
      });
      return smallInstance(
        { study, series: `${study}.1`, sop: `${study}.1.${100 * phase + slice}` },
        {
          ...COMMON,
          SeriesDescription: 'Leber biphasisch',
          ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
          FrameOfReferenceUID: `${study}.9`,
          InstanceNumber: String(100 * phase + slice),
          AcquisitionNumber: String(phase),
          AcquisitionTime: phase === 1 ? '101500' : '101540',
          ContrastBolusAgent: 'any agent',
          ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
          ImagePositionPatient: ['0', '0', String(2 * slice)],
          ...SPACING,
          SliceThickness: '2',
          RescaleSlope: '1',
          RescaleIntercept: '0',
          Rows: edge,
          Columns: edge,
          PixelData: pixels.buffer,
          ...more,
        },
      );
    }),
  );
}

/** The images of a study, as Part 10 bytes. */
const IMAGES: Readonly<Record<KeptStudy, () => Uint8Array[]>> = {
  found: () => ct('found', 'P-1', '20240102'),
  withPriors: () => ct('withPriors', 'P-1', '20250102', { PixelSpacing: ['14', '14'] }, 14),
  corrected: () => ct('corrected', 'P-2', '20240203'),
  nothingFound: () => ct('nothingFound', 'P-3', '20250203', { RescaleIntercept: '-500' }),
  superseding: () => ct('superseding', 'P-4', '20250304', T2W),
  part: () => phases(KEPT.part, { PatientID: 'P-5', PatientName: 'Doe^P-5', StudyDate: '20250405' }),
  withdrawn: () => ct('withdrawn', 'P-6', '20240506'),
  rejected: () => ct('rejected', 'P-6', '20250506', {}, 13),
  skipped: () => ct('skipped', 'P-7', '20250607', { SeriesDescription: 'lung' }),
  optedOut: () => ct('optedOut', OPTED_OUT_PATIENT, '20250708'),
  failed: () => ct('failed', 'P-7', '20250809').filter((_, slice) => slice !== 6),
  ignored: () => ct('ignored', 'P-8', '20250910'),
  later: () => ct('later', 'P-8', '20250911'),
  absent: () => [],
  running: () => ct('running', 'P-2', '20250203', {}, 13),
  queued: () => ct('queued', 'P-1', '20260102', {}, 11),
};
export const keptImages = (study: KeptStudy): Uint8Array[] => IMAGES[study]();

/**
 * Slices of `superseding` that arrived when it had its results: the report made then superseded the first.
 */
export const lateSlices = (): Uint8Array[] => ct('superseding', 'P-4', '20250304', T2W, 15).slice(12);

/** Takes the series, which are smaller than any abdomen, for what they are described as. */
export const KEPT_SERIES_RULES = [
  ...SMALL_SERIES_RULES,
  { when: { words: { matches: '^t2 haste' } }, class: 'T2W', reason: 'a small T2' },
  { when: { words: { matches: '^leber biphasisch' } }, class: 'CT_ABDOMEN', reason: 'a small liver' },
];
