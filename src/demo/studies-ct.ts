import type { WritableDataset } from '../dicom/writing/write.ts';
import { writeObject } from '../results/write-object.ts';
import { renderContrast } from './phantom/render.ts';
import { onTable, type Stack, stackGrid, underPose } from './studies-grid.ts';
import {
  imageModules,
  MAX_STORED,
  pixelModule,
  planeOf,
  type SeriesHeader,
  seriesModules,
  syntheticUid,
  type Visit,
} from './studies-header.ts';
import { abdomenOf, type SyntheticSeries, syntheticSeries } from './studies-series.ts';

/** Stored value = HU + 1024, as CT scanners keep air at about 0. */
const HU_OFFSET = 1024;

/** Minutes and seconds of a visit's series come from the visit's hour. */
const at = (visit: Visit, minutesSeconds: string) => `${visit.time.slice(0, 2)}${minutesSeconds}`;

/** Scout, portal venous axial and coronal series of one visit. */
export function ctSeries(visit: Visit): SyntheticSeries[] {
  return [scout(visit), portalVenous(visit), coronal(visit)];
}

const CT_IMAGE: WritableDataset = {
  KVP: '120',
  DataCollectionDiameter: '500',
  GantryDetectorTilt: '0',
  RotationDirection: 'CW',
  FilterType: 'FLAT',
  RescaleIntercept: String(-HU_OFFSET),
  RescaleSlope: '1',
  RescaleType: 'HU',
};

const CONTRAST_MEDIUM: WritableDataset = {
  ContrastBolusAgent: 'Synthetic iodine 300 mg/ml',
  ContrastBolusRoute: 'IV',
  ContrastBolusVolume: '100',
};

const SOFT_TISSUE_WINDOW: WritableDataset = {
  WindowCenter: '50',
  WindowWidth: '400',
  WindowCenterWidthExplanation: 'ABDOMEN',
};

function reconstruction(slice: string, diameter: string): WritableDataset {
  return {
    ...CT_IMAGE,
    ...CONTRAST_MEDIUM,
    ...SOFT_TISSUE_WINDOW,
    ScanOptions: 'HELICAL_CT',
    SliceThickness: slice,
    ReconstructionDiameter: diameter,
    ConvolutionKernel: 'B30f',
    ExposureTime: '500',
    XRayTubeCurrent: '220',
    Exposure: '110',
  };
}

function portalVenous(visit: Visit): SyntheticSeries {
  const header = {
    key: 'portal venous',
    number: 2,
    description: 'Abdomen portal venous 3.0 B30f',
    protocol: 'Abdomen routine',
    time: at(visit, '0912'),
    attributes: { ...reconstruction('3', '384'), ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'] },
  };
  const stack: Stack = {
    orientation: 'axial',
    columns: 256,
    rows: 256,
    slices: 64,
    pixelSpacing: 1.5,
    sliceSpacing: 3,
    centre: [0, 6, -2],
  };
  const images = { stack, contrast: 'CT' as const, attributes: {}, descending: true };
  return syntheticSeries(visit, { header, kind: 'CT_ABDOMEN', stacks: [images], storedOffset: HU_OFFSET });
}

function coronal(visit: Visit): SyntheticSeries {
  const header = {
    key: 'coronal',
    number: 3,
    description: 'Abdomen portal venous coronal 4.0',
    protocol: 'Abdomen routine',
    time: at(visit, '0912'),
    attributes: { ...reconstruction('4', '384'), ImageType: ['DERIVED', 'SECONDARY', 'REFORMATTED'] },
  };
  const stack: Stack = {
    orientation: 'coronal',
    columns: 256,
    rows: 128,
    slices: 48,
    pixelSpacing: 1.5,
    sliceSpacing: 4,
    centre: [0, 6, -2],
  };
  const images = { stack, contrast: 'CT' as const, attributes: {}, descending: false };
  return syntheticSeries(visit, { header, kind: 'NONE', stacks: [images], storedOffset: HU_OFFSET });
}

const SCOUTS = [
  { orientation: 'coronal', columns: 200, slices: 40, tube: 'frontal' },
  { orientation: 'sagittal', columns: 160, slices: 60, tube: 'lateral' },
] as const;

/** Two projection radiographs, frontal and lateral: mean attenuation along the beam. */
function scout(visit: Visit): SyntheticSeries {
  const header: SeriesHeader = {
    key: 'scout',
    number: 1,
    description: 'Scout',
    protocol: 'Abdomen routine',
    time: at(visit, '0540'),
    attributes: {
      ...CT_IMAGE,
      RescaleType: 'US', // a projection has no HU
      ScanOptions: 'SCOUT MODE',
      ImageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'],
      SliceThickness: '1',
      ConvolutionKernel: 'T20f',
      ExposureTime: '4000',
      XRayTubeCurrent: '35',
      Exposure: '140',
      WindowCenter: '-300',
      WindowWidth: '1000',
      WindowCenterWidthExplanation: 'SCOUT',
    },
  };
  return {
    seriesInstanceUid: syntheticUid(visit, header.key),
    description: header.description,
    kind: 'NONE',
    instances: () => renderScouts(visit, header),
  };
}

function* renderScouts(visit: Visit, header: SeriesHeader): Generator<Uint8Array> {
  const abdomen = abdomenOf(visit);
  for (const [i, { orientation, columns, slices }] of SCOUTS.entries()) {
    const beam: Stack = {
      orientation,
      columns,
      rows: 120,
      slices,
      pixelSpacing: 2,
      sliceSpacing: 8,
      centre: [0, 6, -2],
    };
    const volume = renderContrast(abdomen, underPose(stackGrid(beam), visit.pose), 'CT', visit.noiseSeed + i);
    const plane = planeOf(beam, onTable(stackGrid({ ...beam, slices: 1 }), visit.pose), 0);
    yield writeObject({
      ...seriesModules(visit, header),
      ...imageModules(visit, header, { number: i + 1, acquisition: i + 1, ...plane }),
      ...pixelModule(columns, beam.rows, projection(volume.voxels, beam)),
    });
  }
}

function projection(voxels: Int16Array, { columns, rows, slices }: Stack): Uint16Array {
  const pixels = columns * rows;
  const stored = new Uint16Array(pixels);
  for (let i = 0; i < pixels; i++) {
    let sum = 0;
    for (let k = 0; k < slices; k++) sum += (voxels[k * pixels + i] ?? 0) + HU_OFFSET;
    stored[i] = Math.min(MAX_STORED, Math.max(0, Math.round(sum / slices)));
  }
  return stored;
}
