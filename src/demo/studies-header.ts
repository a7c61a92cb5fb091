import { deriveUid } from '../dicom/uids.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import type { Grid } from './phantom/field.ts';
import { imageOrientation, type Orientation, type Pose, type Stack, slicePosition } from './studies-grid.ts';

export interface Patient {
  readonly id: string;
  readonly name: string;
  readonly birthDate: string;
  readonly sex: 'M' | 'F';
  readonly weightKg: number;
  readonly sizeM: number;
  /** Seed of the phantom; none of those that the demo models were trained on. */
  readonly seed: number;
}

export interface Visit {
  readonly patient: Patient;
  /** Names the visit in UIDs. */
  readonly key: string;
  /** DA and TM. */
  readonly date: string;
  readonly time: string;
  readonly description: string;
  readonly accessionNumber: string;
  readonly modality: 'CT' | 'MR';
  readonly pose: Pose;
  readonly pancreasScale: number;
  readonly noiseSeed: number;
}

/** What one series' headers say beyond the study's; `attributes` holds what the modality's modules want. */
export interface SeriesHeader {
  readonly key: string;
  readonly number: number;
  readonly description: string;
  readonly protocol: string;
  /** TM of the acquisition. */
  readonly time: string;
  readonly attributes: WritableDataset;
}

const SOP_CLASSES = { CT: '1.2.840.10008.5.1.4.1.1.2', MR: '1.2.840.10008.5.1.4.1.1.4' } as const;

const SYNTHETIC = 'Synthetic image for demonstration, not of a patient';

/** Raise it when the images of a seed change: other pixels must not hide under old UIDs. */
const SYNTHETIC_VERSION = '1';

export function syntheticUid(visit: Visit, ...parts: string[]): string {
  return deriveUid('synthetic study', SYNTHETIC_VERSION, visit.patient.id, visit.key, ...parts);
}

/** Patient, general study, series, frame of reference, equipment (PS3.3 C.7.1 to C.7.5). */
export function seriesModules(visit: Visit, series: SeriesHeader): WritableDataset {
  const { patient } = visit;
  return {
    SOPClassUID: SOP_CLASSES[visit.modality],
    PatientName: patient.name,
    PatientID: patient.id,
    PatientBirthDate: patient.birthDate,
    PatientSex: patient.sex,
    PatientAge: ageAt(patient.birthDate, visit.date),
    PatientSize: decimal(patient.sizeM),
    PatientWeight: decimal(patient.weightKg),
    StudyInstanceUID: syntheticUid(visit),
    StudyDate: visit.date,
    StudyTime: visit.time,
    ReferringPhysicianName: null,
    StudyID: visit.accessionNumber,
    AccessionNumber: visit.accessionNumber,
    StudyDescription: visit.description,
    Modality: visit.modality,
    SeriesInstanceUID: syntheticUid(visit, series.key),
    SeriesNumber: String(series.number),
    SeriesDate: visit.date,
    SeriesTime: series.time,
    SeriesDescription: series.description,
    ProtocolName: series.protocol,
    BodyPartExamined: 'ABDOMEN',
    PatientPosition: 'HFS',
    FrameOfReferenceUID: syntheticUid(visit, 'frame of reference'),
    PositionReferenceIndicator: null,
    Manufacturer: 'Synthetic abdomen generator',
    ManufacturerModelName: `Phantom ${visit.modality}`,
    InstitutionName: 'Synthetic demo, not for patients',
    StationName: 'SYNTHETIC',
    DeviceSerialNumber: SYNTHETIC_VERSION,
    SoftwareVersions: SYNTHETIC_VERSION,
    ...series.attributes,
  };
}

/** SOP common, general image and image plane of slice `k` of a grid (PS3.3 C.7.6.1, C.7.6.2, C.12.1). */
export function imageModules(
  visit: Visit,
  series: SeriesHeader,
  image: {
    number: number;
    acquisition: number;
    orientation: Orientation;
    pixelSpacing: number;
    position: number[];
  },
): WritableDataset {
  const [x = 0, y = 0, z = 0] = image.position;
  const location = { axial: z, coronal: y, sagittal: x }[image.orientation];
  return {
    SOPInstanceUID: syntheticUid(visit, series.key, String(image.number)),
    InstanceNumber: String(image.number),
    AcquisitionNumber: String(image.acquisition),
    AcquisitionDate: visit.date,
    AcquisitionTime: series.time,
    ContentDate: visit.date,
    ContentTime: series.time,
    ImageComments: SYNTHETIC,
    PixelSpacing: [decimal(image.pixelSpacing), decimal(image.pixelSpacing)],
    ImageOrientationPatient: imageOrientation(image.orientation).map(decimal),
    ImagePositionPatient: image.position.map(decimal),
    SliceLocation: decimal(location),
  };
}

/** Image pixel module (PS3.3 C.7.6.3): 12 bits stored in 16, unsigned, as scanners write them. */
export function pixelModule(columns: number, rows: number, stored: Uint16Array): WritableDataset {
  return {
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: rows,
    Columns: columns,
    BitsAllocated: 16,
    BitsStored: 12,
    HighBit: 11,
    PixelRepresentation: 0,
    PixelData: new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength).slice().buffer,
    _vrMap: { PixelData: 'OW' },
  };
}

export const MAX_STORED = 4095;

/** The plane attributes of slice `k` of a stack on its table grid. */
export function planeOf(stack: Stack, tableGrid: Grid, k: number) {
  return {
    orientation: stack.orientation,
    pixelSpacing: stack.pixelSpacing,
    position: slicePosition(tableGrid.affine, k),
  };
}

/** A DS value: at most 16 characters (PS3.5 table 6.2-1), to a thousandth. */
function decimal(value: number): string {
  return String(Number(value.toFixed(3)));
}

/** Whole years as an AS value. */
function ageAt(birthDate: string, date: string): string {
  const years = Number(date.slice(0, 4)) - Number(birthDate.slice(0, 4));
  const before = date.slice(4) < birthDate.slice(4);
  return `${String(years - (before ? 1 : 0)).padStart(3, '0')}Y`;
}
