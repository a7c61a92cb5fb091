import { describe, expect, it } from 'vitest';
import { readSelectionRules } from '../../src/pipeline/selection/rules.ts';
import { selectSeries } from '../../src/pipeline/selection/select.ts';
import { type CaseSeries, candidate, ct, t1, t2 } from '../support/selection-cases.ts';

const rules = readSelectionRules(null, []);
const decide = (series: CaseSeries) => selectSeries([candidate('1.1', series)], rules)[0];
const says = (SeriesDescription: string, more: CaseSeries = {}) => ({ SeriesDescription, ...more });
const type = (...ImageType: string[]) => ({ ImageType });
const model = (Manufacturer: string, ManufacturerModelName: string) => ({
  Manufacturer,
  ManufacturerModelName,
});
const portal = says('Abdomen portal venous 3.0');

describe('never an input, by its header, whatever its description says', () => {
  it.each<[string, CaseSeries]>([
    [
      'cone-beam CT of a linear accelerator',
      ct({ ...portal, ...model('Varian Medical Systems', 'On-Board Imager') }),
    ],
    ['of another one', ct({ ...portal, ...model('ELEKTA', 'XVI') })],
    ['of an angiography suite', ct({ ...portal, ...model('SIEMENS', 'AXIOM-Artis') })],
    ['of another suite', ct({ ...portal, ...model('Philips', 'Allura Xper') })],
    ['of a C-arm, by ImageType', ct({ ...portal, ...type('DERIVED', 'PRIMARY', 'AXIAL', 'CBCT') })],
    ['megavoltage CT, by its tube voltage', ct({ ...portal, KVP: '3500' })],
    ['megavoltage CT, by its scanner', ct({ ...portal, ...model('TomoTherapy Incorporated', 'Hi-Art') })],
    ['synthetic CT, by ImageType', ct({ ...portal, ...type('DERIVED', 'SECONDARY', 'AXIAL', 'MRCAT') })],
    ['synthetic CT, as MR attributes stand in it', ct({ ...portal, MagneticFieldStrength: '3' })],
    ['synthetic CT, by its maker', ct({ ...portal, ...model('Spectronic Medical AB', 'MRI Planner') })],
    [
      'an attenuation map of PET/MR',
      t1({ ...says('t1_vibe_fs_tra'), ...type('DERIVED', 'PRIMARY', 'M', 'UMAP') }),
    ],
    ['an attenuation map, by its unit', t1({ ...says('t1_vibe_fs_tra'), RescaleType: '1/CM' })],
    ['an attenuation map of PET/CT', ct({ ...portal, ...type('DERIVED', 'SECONDARY', 'AXIAL', 'ACMAP') })],
    ['a label map', ct({ ...portal, ...type('DERIVED', 'SECONDARY', 'LABELMAP') })],
    ['a segmentation', t2({ ...says('t2 haste'), ...type('DERIVED', 'SECONDARY', 'SEGMENTATION') })],
    ['a heat map', ct({ ...portal, ...type('DERIVED', 'SECONDARY', 'AXIAL', 'HEATMAP') })],
    ['a parametric map', t1({ ...says('t1 vibe'), ...type('DERIVED', 'PRIMARY', 'PARAMETRIC') })],
    ['a fit map', t2({ ...says('t2 tse'), ...type('DERIVED', 'PRIMARY', 'T2_FIT') })],
    ['a map, by its unit', t2({ ...says('t2 tse'), RescaleType: 'ms' })],
    ['a parametric map, by its SOP class', ct({ ...portal, SOPClassUID: '1.2.840.10008.5.1.4.1.1.30' })],
    ['a screen capture, by its SOP class', ct({ ...portal, SOPClassUID: '1.2.840.10008.5.1.4.1.1.7' })],
    ['a virtual energy in the place of the tube voltage', ct({ ...portal, KVP: '40' })],
  ])('%s', (_, series) => expect(decide(series)).toMatchObject({ class: 'NONE', chosen: false }));
});

describe('never an input, by its description', () => {
  it.each([
    'CBCT Abdomen',
    'Cone-beam abdomen',
    'DynaCT Abdomen',
    'XperCT liver',
    'MVCT abdomen',
    'kV-CBCT Oberbauch',
    'Synthetic CT abdomen',
    'pseudoCT Abdomen',
    'MRCAT Abdomen',
    'Synthetisches CT Abdomen',
    'ACMAP Abdomen',
    'Abdomen AC-Map',
    'Attenuation map abdomen',
    'Schwächungskarte Abdomen',

    'Label map abdomen',
    'Liver LABELMAP',
    'Pancreas heatmap',
    'AI heat map abdomen',
    'Abdomen segmentation',
    'Parametric map liver',
    'Parameterkarte Leber',
    'Probability map pancreas',

    'Abdomen Mono 40',
    'VMI 40 Abdomen',
    'VMI40 portal',
    'MonoE 190 Abdomen',
    'Abdomen MonoE_40',
    'Mono+ 55 Abdomen',

    'Monoenergetic 50 abdomen',
    'Abdomen 40keV',
    'keV 190 abdomen',
    'Monochromatic 140 portal',
    'MonoPlus 45 Abdomen',
  ])('CT: %s', (description) =>
    expect(decide(ct(says(description)))).toMatchObject({ class: 'NONE', chosen: false }),
  );

  it.each([
    'MRAC_PET_15min_WATER',
    'Abdomen MRAC',
    'umap abdomen',
    'µ-map Abdomen',
    'T1 fit map liver',
    'T2_fit abdomen',
    'liver parametric map',
    'pancreas label map',
    't1 heatmap',
  ])('MR: %s', (description) =>
    expect(decide(t1(says(description)))).toMatchObject({ class: 'NONE', chosen: false }),
  );
});

describe('still an input', () => {
  it.each<[string, CaseSeries]>([
    ['virtual 70 keV', ct(says('Abdomen Mono 70'))],
    ['VMI 74', ct(says('Abdomen VMI 74'))],
    ['a monophasic scan', ct(says('Abdomen monophasic 3.0'))],
    ['a scan whose name has a slice of 3 mm behind mono', ct(says('Abdomen mono 30 mm'))],
    ['100 kV', ct({ ...portal, KVP: '100', ...model('SIEMENS', 'SOMATOM Force') })],
    ['a scanner of another kind', ct({ ...portal, ...model('GE MEDICAL SYSTEMS', 'Revolution CT') })],
  ])('%s', (_, series) => expect(decide(series)).toMatchObject({ class: 'CT_ABDOMEN', chosen: true }));
});
