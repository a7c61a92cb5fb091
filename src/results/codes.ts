import { type DicomDataset, text } from '../dicom/reading/dataset.ts';

/**
 * A coded concept (PS3.3 section 8). Standard schemes alone: validators warn of private ones, and DCMTK
 * refuses codes that are named by a URN.
 */
export interface Code {
  readonly value: string;
  readonly scheme: string;
  readonly meaning: string;
}

const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning });
const sct = (value: string, meaning: string): Code => ({ value, scheme: 'SCT', meaning });
const ucum = (value: string, meaning: string): Code => ({ value, scheme: 'UCUM', meaning });

/**
 * The names of concepts that results use. Meanings are the standard's: some viewers compare them letter by
 * letter.
 */
export const CODES = {
  // SEG: CID 7150, 7151, 7162, 7202, 7203
  anatomicalStructure: sct('123037004', 'Anatomical Structure'),
  background: dcm('125040', 'Background'),
  pancreas: sct('15776009', 'Pancreas'),
  artificialIntelligence: dcm('123110', 'Artificial Intelligence'),
  segmentation: dcm('113076', 'Segmentation'),
  sourceImage: dcm('121322', 'Source image for image processing operation'),

  // TID 1500 and what it includes
  imagingMeasurementReport: dcm('126000', 'Imaging Measurement Report'),
  language: dcm('121049', 'Language of Content Item and Descendants'),
  english: { value: 'en', scheme: 'RFC5646', meaning: 'English' },
  person: dcm('121006', 'Person'),
  personObserverName: dcm('121008', 'Person Observer Name'),
  observerType: dcm('121005', 'Observer Type'),
  device: dcm('121007', 'Device'),
  deviceObserverUid: dcm('121012', 'Device Observer UID'),
  deviceObserverName: dcm('121013', 'Device Observer Name'),
  deviceObserverManufacturer: dcm('121014', 'Device Observer Manufacturer'),
  deviceObserverModelName: dcm('121015', 'Device Observer Model Name'),
  deviceObserverSerialNumber: dcm('121016', 'Device Observer Serial Number'),
  procedureReported: dcm('121058', 'Procedure reported'),
  ctProcedure: { value: '25045-6', scheme: 'LN', meaning: 'CT unspecified body region' },
  mrProcedure: { value: '25056-3', scheme: 'LN', meaning: 'MRI unspecified body region' },
  imagingMeasurements: dcm('126010', 'Imaging Measurements'),
  measurementGroup: dcm('125007', 'Measurement Group'),
  qualitativeEvaluations: { value: 'C0034375', scheme: 'UMLS', meaning: 'Qualitative Evaluations' },

  // TID 2000 with TID 2002: CID 7000, 7001 and 7002
  diagnosticImagingReport: { value: '18748-4', scheme: 'LN', meaning: 'Diagnostic Imaging Report' },
  findings: dcm('121070', 'Findings'),
  previousFinding: dcm('121069', 'Previous Finding'),
  currentProcedureDescriptions: dcm('121064', 'Current Procedure Descriptions'),
  procedureDescription: dcm('121065', 'Procedure Description'),

  // TID 1600 to 1604
  targetRegion: dcm('123014', 'Target Region'),
  abdomen: sct('818981001', 'Abdomen'),
  imageLibrary: dcm('111028', 'Image Library'),
  imageLibraryGroup: dcm('126200', 'Image Library Group'),
  modality: dcm('121139', 'Modality'),
  ct: dcm('CT', 'Computed Tomography'),
  mr: dcm('MR', 'Magnetic Resonance'),
  studyDate: dcm('111060', 'Study Date'),
  studyTime: dcm('111061', 'Study Time'),
  acquisitionDate: dcm('126201', 'Acquisition Date'),
  acquisitionTime: dcm('126202', 'Acquisition Time'),
  frameOfReferenceUid: dcm('112227', 'Frame of Reference UID'),
  pixelDataRows: dcm('110910', 'Pixel Data Rows'),
  pixelDataColumns: dcm('110911', 'Pixel Data Columns'),
  horizontalPixelSpacing: dcm('111026', 'Horizontal Pixel Spacing'),
  verticalPixelSpacing: dcm('111066', 'Vertical Pixel Spacing'),
  spacingBetweenSlices: dcm('112226', 'Spacing between slices'),
  sliceThickness: dcm('112225', 'Slice Thickness'),

  // TID 4019
  algorithmName: dcm('111001', 'Algorithm Name'),
  algorithmVersion: dcm('111003', 'Algorithm Version'),
  algorithmParameters: dcm('111002', 'Algorithm Parameters'),

  // TID 1411 and 1419
  trackingIdentifier: dcm('112039', 'Tracking Identifier'),
  trackingUniqueIdentifier: dcm('112040', 'Tracking Unique Identifier'),
  finding: dcm('121071', 'Finding'),
  findingSite: sct('363698007', 'Finding Site'),
  imageRegion: dcm('111030', 'Image Region'),
  // CID 219
  geometricPurpose: dcm('130400', 'Geometric purpose of region'),
  outline: dcm('111041', 'Outline'),
  referencedSegment: dcm('121191', 'Referenced Segment'),
  sourceSeriesForSegmentation: dcm('121232', 'Source series for segmentation'),
  measurementMethod: sct('370129005', 'Measurement Method'),
  sumOfSegmentedVoxelVolumes: dcm('126030', 'Sum of segmented voxel volumes'),
  // The same with the meaning that CID 7474 has now
  sumOfSegmentedVoxels: dcm('126030', 'Sum of segmented voxel method for volume'),
  derivation: dcm('121401', 'Derivation'),
  mean: sct('373098007', 'Mean'),
  standardDeviation: sct('386136009', 'Standard Deviation'),
  // CID 225, and CID 228 by way of TID 1419 row 16
  upperUncertainty: sct('371886008', '+, range of upper measurement uncertainty'),
  lowerUncertainty: sct('371885007', '-, range of lower measurement uncertainty'),
  equation: dcm('121420', 'Equation'),
  volume: sct('118565006', 'Volume'),
  attenuationCoefficient: dcm('112031', 'Attenuation Coefficient'),

  // Earlier studies: CID 6133 and 6207, TID 1419 row 18
  differenceInSize: sct('442714003', 'Difference in size'),
  equivalentMeaning: dcm('121050', 'Equivalent Meaning of Concept Name'),
  previousFindings: dcm('121068', 'Previous Findings'),

  // Derived Imaging Measurements: TID 1420
  derivedMeasurements: dcm('126011', 'Derived Imaging Measurements'),

  // Images of a measurement: CID 7551
  center: dcm('111010', 'Center'),
  sourceOfMeasurement: dcm('121112', 'Source of Measurement'),

  // Equipment: CID 7005
  acquisitionEquipment: dcm('109101', 'Acquisition Equipment'),

  // Qualitative evaluations
  presenceOfProperty: dcm('121052', 'Presence of property'),
  present: sct('52101004', 'Present'),
  notVisualized: dcm('122288', 'Not visualized'),
  anatomyIncomplete: dcm('130576', 'Anatomy coverage incomplete'),
  multiple: sct('255204007', 'Multiple'),
  uncertain: sct('64957009', 'Uncertain'),
  outOfRange: dcm('114009', 'Value out of range'),
  lossyCompression: dcm('113040', 'Lossy Compression'),
  limitedQuality: { value: 'RID13', scheme: 'RADLEX', meaning: 'Limited quality' },
  qualityFinding: dcm('111052', 'Quality Finding'),
  summary: dcm('121111', 'Summary'),
  comment: dcm('121106', 'Comment'),

  // Key object selection: TID 2010
  documentTitleModifier: dcm('113011', 'Document Title Modifier'),
  softwareFailure: dcm('111218', 'Software failure'),
  keyObjectDescription: dcm('113012', 'Key Object Description'),

  // Units
  millilitre: ucum('ml', 'milliliter'),
  millilitrePerYear: ucum('ml/a', 'milliliter per year'),
  cubicCentimetre: ucum('cm3', 'cubic centimeter'),
  cubicCentimetrePerYear: ucum('cm3/a', 'cubic centimeter per year'),
  percentPerYear: ucum('%/a', 'percent per year'),
  hounsfieldUnit: ucum("[hnsf'U]", 'Hounsfield unit'),
  percent: ucum('%', 'percent'),
  millimetre: ucum('mm', 'millimeter'),
  pixels: ucum('{pixels}', 'pixels'),
  images: ucum('{images}', 'images'),
} as const satisfies Record<string, Code>;

/** A code as an item of a code sequence (PS3.3 table 8.8-1). */
export function codeItem(code: Code): Record<string, string> {
  return { CodeValue: code.value, CodingSchemeDesignator: code.scheme, CodeMeaning: code.meaning };
}

/** Whether an item of a code sequence stands for a concept; the meaning is free (PS3.3 8.3). */
export function isCode(item: DicomDataset, code: Code): boolean {
  return text(item, 'CodeValue') === code.value && text(item, 'CodingSchemeDesignator') === code.scheme;
}
