/**
 * CT: portal venous, HU. T1W: gradient echo with fat suppression. T2W: half-Fourier spin echo.
 * DWI: b = 50 s/mm2, DWI_B800: b = 800 s/mm2.
 */
export type Contrast = 'CT' | 'T1W' | 'T2W' | 'DWI' | 'DWI_B800';

type Range = readonly [mean: number, spread: number];

/**
 * Mean and patient-to-patient spread of each tissue in each contrast: HU for CT, else arbitrary units.
 * Neighbours of the pancreas overlap with it on purpose (bowel wall, unopacified bowel, liver in T1), so that
 * place and shape count as well as brightness.
 */
export const TISSUES = {
  air: { CT: [-1000, 0], T1W: [0, 0], T2W: [0, 0], DWI: [0, 0], DWI_B800: [0, 0] },
  gas: { CT: [-930, 40], T1W: [12, 4], T2W: [12, 4], DWI: [8, 3], DWI_B800: [6, 2] },
  lung: { CT: [-840, 30], T1W: [25, 8], T2W: [30, 10], DWI: [15, 5], DWI_B800: [8, 3] },
  skin: { CT: [20, 15], T1W: [160, 30], T2W: [150, 30], DWI: [60, 20], DWI_B800: [25, 8] },
  fat: { CT: [-103, 7], T1W: [75, 25], T2W: [330, 45], DWI: [35, 12], DWI_B800: [18, 6] },
  muscle: { CT: [60, 7], T1W: [215, 25], T2W: [85, 15], DWI: [90, 15], DWI_B800: [45, 8] },
  marrow: { CT: [190, 40], T1W: [120, 30], T2W: [170, 35], DWI: [70, 15], DWI_B800: [35, 8] },
  cortex: { CT: [520, 90], T1W: [50, 15], T2W: [40, 12], DWI: [25, 8], DWI_B800: [14, 4] },
  disc: { CT: [95, 15], T1W: [150, 25], T2W: [190, 60], DWI: [80, 20], DWI_B800: [30, 8] },
  liquor: { CT: [12, 5], T1W: [60, 15], T2W: [640, 60], DWI: [260, 40], DWI_B800: [30, 8] },
  liver: { CT: [112, 13], T1W: [325, 35], T2W: [135, 25], DWI: [150, 25], DWI_B800: [70, 12] },
  spleen: { CT: [122, 12], T1W: [225, 25], T2W: [275, 40], DWI: [420, 60], DWI_B800: [240, 35] },
  kidneyCortex: { CT: [188, 22], T1W: [300, 30], T2W: [290, 35], DWI: [330, 40], DWI_B800: [110, 15] },
  kidneyMedulla: { CT: [158, 22], T1W: [225, 30], T2W: [350, 40], DWI: [360, 40], DWI_B800: [120, 15] },
  vein: { CT: [168, 18], T1W: [150, 35], T2W: [60, 30], DWI: [50, 20], DWI_B800: [18, 6] },
  artery: { CT: [150, 18], T1W: [140, 45], T2W: [45, 25], DWI: [30, 15], DWI_B800: [14, 5] },
  bowelWall: { CT: [84, 12], T1W: [255, 35], T2W: [160, 30], DWI: [180, 40], DWI_B800: [95, 20] },
  bowelContent: { CT: [28, 28], T1W: [165, 75], T2W: [430, 150], DWI: [220, 90], DWI_B800: [60, 30] },
  stomachContent: { CT: [12, 14], T1W: [95, 40], T2W: [520, 90], DWI: [240, 60], DWI_B800: [35, 12] },
  stool: { CT: [20, 45], T1W: [210, 80], T2W: [180, 70], DWI: [110, 50], DWI_B800: [45, 20] },
  bile: { CT: [8, 6], T1W: [110, 60], T2W: [650, 50], DWI: [250, 40], DWI_B800: [28, 8] },
  pancreas: { CT: [101, 10], T1W: [405, 35], T2W: [215, 25], DWI: [260, 35], DWI_B800: [115, 15] },
} as const satisfies Record<string, Record<Contrast, Range>>;

export type Tissue = keyof typeof TISSUES;

/**
 * Standard deviation of the noise: HU for CT, else in the tissues' units, on a voxel of the usual
 * acquisition.
 */
export const NOISE = { CT: 14, T1W: 16, T2W: 17, DWI: 14, DWI_B800: 9 } as const satisfies Record<
  Contrast,
  number
>;
