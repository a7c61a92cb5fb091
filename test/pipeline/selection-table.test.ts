import { describe, expect, it } from 'vitest';
import { readSelectionRules } from '../../src/pipeline/selection/rules.ts';
import { selectSeries } from '../../src/pipeline/selection/select.ts';
import { type CaseSeries, CORONAL, candidate, ct, SAGITTAL, t1, t2 } from '../support/selection-cases.ts';

const rules = readSelectionRules(null, []);
const decide = (...series: CaseSeries[]) =>
  selectSeries(
    series.map((one, i) => candidate(`1.${i}`, one)),
    rules,
  );
const dixon = (part: string, changes: CaseSeries = {}) =>
  t1({ ImageType: ['DERIVED', 'PRIMARY', 'DIXON', part], ScanOptions: 'PFP', ...changes });
const says = (SeriesDescription: string, more: CaseSeries = {}) => ({ SeriesDescription, ...more });
const study = (StudyDescription: string, more: CaseSeries = {}) => ({ StudyDescription, ...more });

/** Of radiological knowledge: no series of the labelled set is among them. */
describe('the class of a series alone in its study', () => {
  it.each<[string, CaseSeries]>([
    [
      'a Spanish portal venous phase',
      ct(says('FASE VENOSA PORTAL 2mm', study('TC DE ABDOMEN Y PELVIS CON CIV'))),
    ],
    ['an Italian one', ct(says('addome venosa 2.0', study('TC ADDOME COMPLETO CON MDC')))],
    ['a Portuguese one', ct(says('ABDOME TOTAL FASE PORTAL', study('')))],
    ['a Dutch one', ct(says('Lever veneus 3.0', study('CT lever driefasen')))],
    ['a Polish one', ct(says('Jama brzuszna faza wrotna', study('TK')))],
    ['a Korean one', ct(says('복부 문맥기 3.0', study('복부 CT')))],
    ['a Russian-scripted description in an abdominal study', ct(says('Портальная фаза'))],
    ['full-width Latin letters', ct(says('ＡＢＤＯＭＥＮ　ＰＶ', study('')))],
    ['trauma from head to pelvis', ct(says('Ganzkörper 2.0 Br40', study('Polytrauma CT', { slices: 500 })))],
    ['a long trunk scan without a word about it', ct(says('AX 3.0', { ...study(''), SliceThickness: '3' }))],
    ['an abdomen although BodyPartExamined says head', ct(says('PORTAL', { BodyPartExamined: 'HEAD' }))],
    ['an abdomen by BodyPartExamined alone', ct({ ...study(''), BodyPartExamined: 'ABDOMEN', slices: 120 })],
    ['kidneys', ct(says('RENAL NEPHROGRAPHIC 2.5', { ...study('CT UROGRAM'), SliceThickness: '2.5' }))],
    ['70 keV', ct(says('Abdomen Mono 70 keV'))],
    [
      'a mixed dual-energy image',
      ct(says('Abdomen DE M_0.5', { ImageType: ['DERIVED', 'PRIMARY', 'AXIAL', 'DE'] })),
    ],
    ['tube current modulation named iDose', ct(says('iDose (4) portal'))],
    ['slices of 5 mm', ct({ SliceThickness: '5', slices: 90 })],
    ['a gall bladder, which is no bladder', ct(says('Gall bladder 3.0', study('')))],
    ['a screening of the pancreas', ct(says('pancreas screening 2.0', study('')))],
    ['a chest with the abdomen, of a soft kernel, that speaks of lungs', ct(says('Lunge/Abdomen 3.0'))],
    [
      'an axial average of a workstation',
      ct({ ImageType: ['DERIVED', 'SECONDARY', 'REFORMATTED', 'AVERAGE'], ConvolutionKernel: undefined }),
    ],
    ['a Russian study', ct(says('Портальная фаза', study('КТ брюшной полости')))],
    ['a portal venous phase without another word', ct(says('portal', { ...study(''), slices: 120 }))],
  ])('CT_ABDOMEN: %s', (_, series) => expect(decide(series)[0]).toMatchObject({ class: 'CT_ABDOMEN' }));

  it.each<[string, CaseSeries]>([
    ['a Dixon water image', dixon('WATER')],
    ['a radial VIBE after an operation', t1(says('t1_starvibe_radial_tra post OP'))],
    ['a dynamic TWIST VIBE', dixon('WATER', says('t1_twist-vibe_tra_dyn'))],
    ['a dynamic whose images nothing in the name explains', t1(says('DISCO 12 phases', { times: 12 }))],
    ['an MR of the bowel', t1(says('AX T1 +C', study('MR ENTEROGRAPHY')))],
    ['a Philips water image', t1({ ImageType: ['DERIVED', 'PRIMARY', 'W', 'W', 'DERIVED'] })],
    ['a nameless 3D gradient echo', t1()],
    ['THRIVE in the hepatobiliary phase', t1(says('eTHRIVE HBP 20min', { FlipAngle: '35' }))],
    [
      'a fat-suppressed T1 TSE',
      t2({ RepetitionTime: '620', EchoTime: '12', EchoTrainLength: '3', ScanOptions: 'FS' }),
    ],
    [
      'a 2D FLASH',
      t1({ MRAcquisitionType: '2D', RepetitionTime: '160', EchoTime: '2.2', FlipAngle: '70', step: 6 }),
    ],
    [
      'a turboFLASH after an inversion',
      t1({ MRAcquisitionType: '2D', RepetitionTime: '1500', InversionTime: '900', step: 6 }),
    ],
    ['a description in Hangul', t1(says('T1 강조 조영전 축상', study('간 MRI')))],
    [
      'an enhanced image',
      t1({ ScanningSequence: undefined, EchoPulseSequence: 'GRADIENT', AcquisitionContrast: 'T1' }),
    ],
    [
      'words where the times are missing',
      t1(says('t1_vibe_fs_tra', { RepetitionTime: undefined, EchoTime: undefined })),
    ],
    ['a gradient echo that does not say whether it is 3D', t1({ MRAcquisitionType: undefined })],
    ['a short echo and a low flip angle without a sequence', t1({ ScanningSequence: undefined })],
  ])('T1W: %s', (_, series) => expect(decide(series)[0]).toMatchObject({ class: 'T1W' }));

  it.each<[string, CaseSeries]>([
    ['HASTE', t2(says('T2 HASTE tra'))],
    ['a nameless single shot', t2()],
    [
      'a navigated BLADE',
      t2({ RepetitionTime: '3000', EchoTime: '100', EchoTrainLength: '30', ScanOptions: 'FS' }),
    ],
    ['heavily T2-weighted', t2({ EchoTime: '200', RepetitionTime: '3500' })],
    [
      'an abdominal STIR',
      t2({ ScanningSequence: ['SE', 'IR'], InversionTime: '160', EchoTime: '48', RepetitionTime: '4200' }),
    ],
    ['an oblique axial stack', t2({ ImageOrientationPatient: ['1', '0', '0', '0', '0.97', '-0.24'] })],
    ['in a French study of the liver', t2(says('Ax T2 écho de spin', study('IRM du foie')))],
    ['a late echo with words, without a sequence', t2(says('T2 ax', { ScanningSequence: undefined }))],
    ['a late echo without a repetition time', t2({ RepetitionTime: undefined })],
  ])('T2W: %s', (_, series) => expect(decide(series)[0]).toMatchObject({ class: 'T2W' }));

  it.each<[string, string, CaseSeries]>([
    ['CT_ABDOMEN', 'of the length and width of an abdomen', ct({ ...study(''), slices: 120 })],
    ['CT_ABDOMEN', 'of the whole trunk', ct({ ...study(''), slices: 260 })],
    ['T1W', 'by its times', t1(study(''))],
    ['T2W', 'by its times', t2(study(''))],
    ['T2W', 'whose BodyPartExamined tells nothing', t2({ ...study(''), BodyPartExamined: 'UNKNOWN' })],
  ])('only possible where nothing says abdomen: %s %s', (name, _, series) => {
    const [decision] = decide(series);
    expect(decision).toMatchObject({ class: name, certainty: 'possible', rank: 1, chosen: false });
  });

  it.each<[string, CaseSeries, RegExp]>([
    ['a localizer', ct(says('Übersichtsaufnahme')), /localizer/],
    ['a scout by ScanOptions', ct({ ScanOptions: 'SURVIEW' }), /localizer/],
    ['bolus tracking', ct({ slices: 1, times: 20 }), /one place/],
    ['a lung kernel of Siemens', ct({ ConvolutionKernel: ['Bl57d', '3'] }), /kernel/],
    ['a bone kernel of Canon', ct({ ConvolutionKernel: 'FC35' }), /kernel/],
    ['a lung kernel of Philips', ct({ ConvolutionKernel: 'YB' }), /kernel/],
    ['a bone kernel of GE', ct({ ConvolutionKernel: 'BONEPLUS' }), /kernel/],
    ['a kernel in the description', ct(says('Abdomen 1.0 Br64', { ConvolutionKernel: undefined })), /kernel/],
    ['a lung window', ct({ WindowCenter: '-500' }), /lung window/],
    ['thick slices', ct({ SliceThickness: '8' }), /more than 5 mm/],
    ['thick slices that overlap', ct({ SliceThickness: '10', step: 5 }), /more than 5 mm/],
    ['coronal', ct({ ImageOrientationPatient: CORONAL }), /not axial/],
    ['a MIP', ct({ ImageType: ['DERIVED', 'SECONDARY', 'AXIAL', 'MIP'], SliceThickness: '5' }), /projection/],
    ['40 keV', ct(says('Abdomen MonoPlus 40keV')), /keV/],
    [
      'an iodine map',
      ct(says('Iodkarte', { ImageType: ['DERIVED', 'PRIMARY', 'AXIAL', 'IODINE'] })),
      /material/,
    ],
    ['virtual non-contrast', ct(says('Abdomen VNC 3.0')), /material/],
    ['effective atomic number', ct({ RescaleType: 'Z_EFF' }), /RescaleType/],
    ['a colour picture', ct({ SamplesPerPixel: 3 }), /picture/],
    [
      'fused PET',
      ct(says('Fused', { ImageType: ['DERIVED', 'SECONDARY'], ConvolutionKernel: undefined })),
      /made from|picture/,
    ],
    [
      'a chest whatever its BodyPartExamined',
      ct(says('THORAX 3mm', { ...study('CT Thorax'), BodyPartExamined: 'ABDOMEN' })),
      /part of the body/,
    ],
    ['a head in a trauma study', ct(says('Schädel nativ', study('Polytrauma'))), /part of the body/],
    [
      'a spine recon',
      ct(says('LWS sag', { PixelSpacing: ['0.35', '0.35'] })),
      /part of the body|field of view/,
    ],
    ['a knee', ct(says('RODILLA', study(''))), /part of the body/],
    ['a pelvis alone', ct(says('PELVIS 3MM', study('CT PELVIS'))), /part of the body/],
    ['a heart', ct(says('Coronary CTA 0.6', study('CT CARDIAC'))), /part of the body/],
    ['a broken-off scan', ct({ slices: 30 }), /too little/],
    ['a biopsy', ct(says('Leberbiopsie i-Sequence', { slices: 60 })), /intervention/],
    ['nothing about the body, and short', ct({ ...study(''), slices: 70 }), /does not say/],
    ['no modality', ct({ Modality: undefined }), /does not say its modality/],
    ['a PET', ct({ Modality: 'PT' }), /neither CT nor MR/],
    ['no orientation', ct({ ImageOrientationPatient: undefined }), /how they lie/],
    ['a MIP by its description', ct(says('Abdomen thin MIP 3.0')), /projection .*by its description/],
    ['a curved reformat', ct(says('Pankreas CPR')), /curved/],
    ['a handful of slices', ct({ slices: 8 }), /fewer than 10/],
    [
      'made without a kernel',
      ct({ ImageType: ['DERIVED', 'SECONDARY', 'OTHER'], ConvolutionKernel: undefined }),
      /made from other/,
    ],
    ['a lung series', ct(says('Lungenfenster 2.0')), /for lung or bone/],
    ['a snapshot', ct(says('Snapshot portal')), /picture/],
    ['a small reconstruction', ct({ PixelSpacing: ['0.35', '0.35'] }), /below 24 cm/],
    [
      'a chest by its protocol',
      ct(says('3.0', { ...study(''), ProtocolName: 'Thorax Routine' })),
      /by its protocol/,
    ],
    ['a chest by its study', ct(says('3.0', study('CT Thorax'))), /^a study of another part/],
    [
      'a long series of a small field without a word',
      ct({ ...study(''), PixelSpacing: ['0.5', '0.5'] }),
      /^CT that does not say/,
    ],
  ])('NONE, CT: %s', (_, series, reason) => {
    const [decision] = decide(series);
    expect(decision).toMatchObject({ class: 'NONE', chosen: false });
    expect(decision?.reason).toMatch(reason);
  });

  it.each<[string, CaseSeries, RegExp]>([
    ['a coronal survey, first in the study', t2({ ImageOrientationPatient: CORONAL }), /localizer/],
    ['a fat image', dixon('FAT'), /fat image/],
    [
      'a Dixon fat image by its last letter',
      t1(says('t1_dixon_tra_F', { ScanOptions: undefined })),
      /fat image/,
    ],
    ['opposed-phase by its last letters', t1(says('t1_dual_tra_OP', { ScanOptions: undefined })), /opposed/],
    ['a Philips fat image', t1({ ImageType: ['DERIVED', 'PRIMARY', 'F', 'F', 'DERIVED'] }), /fat image/],
    ['an opposed-phase image', dixon('OPP_PHASE'), /opposed/],
    ['opposed-phase in Spanish words', t1(says('T1 fuera de fase', { ScanOptions: undefined })), /opposed/],
    ['in- and opposed-phase together', t1(says('T1 in/opp phase', { times: 2 })), /several contrasts/],
    ['a fat fraction', dixon('FAT_FRACTION'), /map/],
    ['R2*', t1(says('R2* map')), /map/],
    ['MR elastography', t2(says('MR Elastographie stiffness')), /map/],
    ['a phase image', t1({ ImageType: ['ORIGINAL', 'PRIMARY', 'P', 'ND'] }), /phase image/],
    ['a subtraction', t1(says('soustraction portal')), /subtraction/],
    ['diffusion by its sequence', t2({ ScanningSequence: 'EP', EchoTime: '60' }), /echo-planar/],
    ['diffusion by its b-value', t2({ DiffusionBValue: 800 }), /diffusion/],
    ['diffusion by its words', t2(says('Diff b=800')), /diffusion/],
    [
      'MRCP by its echo time',
      t2({ EchoTime: '700', SliceThickness: '1', slices: 90, step: 1 }),
      /cholangiography/,
    ],
    ['MRCP by its description', t2(says('colangio RM axial')), /cholangiography/],
    ['a thick slab', t2({ SliceThickness: '40' }), /slab/],
    ['balanced steady state', t1({ FlipAngle: '60', MRAcquisitionType: '2D' }), /balanced/],
    ['balanced steady state by its name', t2(says('FIESTA fs ax')), /balanced/],
    [
      'a quick two-dimensional gradient echo',
      t1({ MRAcquisitionType: '2D', RepetitionTime: '8', FlipAngle: '20' }),
      /localizer/,
    ],
    ['T2*', t1({ MRAcquisitionType: '2D', RepetitionTime: '200', EchoTime: '14', FlipAngle: '60' }), /T2\*/],
    ['proton density for fat quantification', t1({ FlipAngle: '3' }), /fat quantification/],
    [
      'a calibration',
      t1({
        MRAcquisitionType: '2D',
        RepetitionTime: '150',
        FlipAngle: '50',
        SliceThickness: '8',
        slices: 42,
      }),
      /calibration/,
    ],
    ['an angiography', t1(says('MRA aorta')), /angiography/],
    ['a small field of view', t2({ PixelSpacing: ['0.6', '0.6'] }), /field of view/],
    [
      'a prostate that claims to be an abdomen',
      t2(says('t2 tse tra', { ...study('MRT Prostata'), BodyPartExamined: 'ABDOMEN' })),
      /part of the body/,
    ],
    ['a breast, prone', t1({ ...study(''), PatientPosition: 'FFP', BodyPartExamined: 'ABDOMEN' }), /prone/],
    ['a heart', t1(says('cine sax', study('Kardio-MRT'))), /balanced|part of the body/],
    [
      'a whole-body STIR',
      t2(says('STIR cor composed', { PixelSpacing: ['1.6', '1.6'], ImageOrientationPatient: CORONAL })),
      /localizer|whole/,
    ],
    ['sagittal', t2({ ImageOrientationPatient: SAGITTAL }), /neither axial/],
    ['proton density', t2({ EchoTime: '30', RepetitionTime: '2500' }), /neither T1- nor T2/],
    [
      'nothing about the body, and no breath hold',
      t2({ ...study(''), EchoTrainLength: '17' }),
      /within a breath/,
    ],
    ['no echo time, no word', t2({ EchoTime: undefined }), /neither T1- nor T2/],
    ['a coil calibration', t1(says('ASSET calibration')), /calibration of the scanner/],
    ['a processed picture', t1(says('snapshot')), /picture/],
    ['a reformat', t1({ ImageType: ['DERIVED', 'SECONDARY', 'MPR'] }), /MR made from/],
    [
      'a low flip angle',
      t1({ MRAcquisitionType: '2D', RepetitionTime: '120', FlipAngle: '20', step: 6 }),
      /low flip angle/,
    ],
    ['a thin slab', t2({ slices: 12, SliceThickness: '4', step: 4 }), /less than 7 cm/],
    ['a station of a whole body', t2(says('WB HASTE ax')), /whole-body/],
    ['a uterus', t2(says('t2 tse tra Uterus')), /by its description/],
    [
      'a pelvis by its protocol',
      t2(says('t2 tse tra', { ...study(''), ProtocolName: 'Becken', BodyPartExamined: 'ABDOMEN' })),
      /by its protocol/,
    ],
    [
      'BodyPartExamined of a pelvis',
      t2({ ...study(''), BodyPartExamined: 'PELVIS' }),
      /BodyPartExamined is another part/,
    ],
  ])('NONE, MR: %s', (_, series, reason) => {
    const [decision] = decide(series);
    expect(decision).toMatchObject({ class: 'NONE', chosen: false });
    expect(decision?.reason).toMatch(reason);
  });
});

/** Which of the series is chosen, by its place in the list; -1: none. */
const chosen = (...series: CaseSeries[]) => decide(...series).findIndex((one) => one.chosen);

const at = (AcquisitionTime: string, ContrastBolusAgent?: string, more: CaseSeries = {}) => ({
  AcquisitionTime,
  ContrastBolusAgent,
  ...more,
});

describe('the phase in the reason', () => {
  const reasons = (...series: CaseSeries[]) =>
    decide(...series).map(({ reason }) => /(\w+) phase/.exec(reason)?.[1]);

  it('is arterial where the description says late arterial', () => {
    expect(reasons(ct(says('Abdomen late arterial')))).toEqual(['arterial']);
  });

  it('follows from the series whose description says portal venous', () => {
    const named = ct(says('portal', at('100400', 'I')));
    const others = ['100300', '100330', '100401', '100800'].map((time) => ct(at(time, 'I')));
    expect(reasons(named, ...others)).toEqual(['portal', 'arterial', 'arterial', 'portal', 'delayed']);
  });

  it('is hepatobiliary after twenty minutes in MR, delayed in CT', () => {
    const times = ['100300', '100340', '102400'];
    expect(reasons(...times.map((time) => t1(at(time, 'Gd'))))).toEqual([
      'arterial',
      'portal',
      'hepatobiliary',
    ]);
    expect(reasons(...times.map((time) => ct(at(time, 'I'))))).toEqual(['arterial', 'portal', 'delayed']);
  });
});

describe('the best series of a class', () => {
  it.each<[string, number, CaseSeries[]]>([
    [
      'portal venous before thin arterial',
      1,
      [
        ct(says('arterial', { SliceThickness: '1', slices: 400 })),
        ct(says('portal', { SliceThickness: '5', slices: 90 })),
      ],
    ],
    [
      'the second of the enhanced by time',
      2,
      [ct(at('100000')), ct(at('100300', 'I')), ct(at('100340', 'I')), ct(at('100700', 'I'))],
    ],
    ['the one enhanced phase', 1, [ct(at('100000')), ct(at('100300', 'I'))]],
    [
      'portal by the time since the injection',
      1,
      [
        ct(at('100035', 'I', { ContrastBolusStartTime: '100000' })),
        ct(at('100110', 'I', { ContrastBolusStartTime: '100000' })),
        ct(at('100500', 'I', { ContrastBolusStartTime: '100000' })),
      ],
    ],
    [
      'not the early and late arterial phase, but what follows',
      2,
      [ct(at('100000', 'I')), ct(at('100015', 'I')), ct(at('100045', 'I'))],
    ],
    [
      '1 to 3 mm before 5 mm and before 0.6 mm',
      1,
      [
        ct({ SliceThickness: '5', slices: 90 }),
        ct({ SliceThickness: '1.5', slices: 300 }),
        ct({ SliceThickness: '0.6', slices: 700 }),
      ],
    ],
    [
      'the original before the reformat',
      1,
      [
        ct(says('portal', { ImageType: ['DERIVED', 'SECONDARY', 'REFORMATTED', 'AVERAGE'] })),
        ct(says('arterial')),
      ],
    ],
    [
      'the reformat where nothing else is there',
      0,
      [ct({ ImageType: ['DERIVED', 'SECONDARY', 'REFORMATTED', 'AVERAGE'] })],
    ],
    [
      'one phase before two in one series',
      1,
      [ct(says('liver portal', { times: 2 })), ct(says('liver arterial'))],
    ],
    [
      'full dose before low dose',
      1,
      [ct(says('CT AC low dose')), ct(says('Abdomen 3.0', { SliceThickness: '3' }))],
    ],
    [
      'the soft of two soft kernels',
      1,
      [ct({ ConvolutionKernel: 'B45f' }), ct({ ConvolutionKernel: 'B30f' })],
    ],
    ['the mixed image before 70 keV', 1, [ct(says('portal mono 70 keV')), ct(says('portal mixed'))]],
    ['an oral agent is no enhancement', 1, [ct(at('100000', 'ORAL')), ct(at('100300', 'Oral & IV'))]],
    [
      'the abdomen of a chest and abdomen study',
      1,
      [
        ct({ ...study('CT chest abdomen pelvis'), bottom: 0, slices: 160 }),
        ct({ ...study('CT chest abdomen pelvis'), bottom: -350, slices: 340 }),
      ],
    ],
    [
      'the portal venous MR phase',
      2,
      [t1(at('100000')), t1(at('100300', 'Gd')), t1(at('100340', 'Gd')), t1(at('100700', 'Gd'))],
    ],
    [
      'the mask of a dynamic without a word about the agent',
      0,
      [t1(at('100000')), t1(at('100300')), t1(at('100315'))],
    ],
    ['pre-contrast before arterial', 0, [t1(says('nativ')), t1(says('arteriell'))]],
    [
      'fat-suppressed 3D before a 2D in-phase image',
      1,
      [
        t1({ MRAcquisitionType: '2D', RepetitionTime: '160', FlipAngle: '70', ScanOptions: undefined }),
        t1(says('pre')),
      ],
    ],
    ['in-phase before a hepatobiliary phase alone', 0, [dixon('IN_PHASE'), t1(says('HBP'))]],
    [
      'axial before coronal',
      1,
      [t1({ ImageOrientationPatient: CORONAL }), t1({ AcquisitionTime: '101400', ScanOptions: undefined })],
    ],
    [
      'an ordinary T2 before a heavy one',
      1,
      [
        t2({ EchoTime: '200', EchoTrainLength: '200' }),
        t2({ EchoTrainLength: '20', RepetitionTime: '4000' }),
      ],
    ],
    [
      'after a mask that names the agent too, the second phase',
      2,
      [t1(at('100000', 'Gd')), t1(at('100130', 'Gd')), t1(at('100210', 'Gd'))],
    ],
    [
      'portal venous by the injection, though it was the first',
      0,
      [
        ct(at('100110', 'I', { ContrastBolusStartTime: '100000' })),
        ct(at('100500', 'I', { ContrastBolusStartTime: '100000' })),
      ],
    ],
    [
      'what was drunk does not count',
      2,
      [ct(at('100250', 'ORAL')), ct(at('100300', 'I')), ct(at('100340', 'I'))],
    ],
    [
      'nor does a coronal series in between',
      3,
      [
        t1(at('100000')),
        t1(at('100300', 'Gd')),
        t1(at('100330', 'Gd', { ImageOrientationPatient: CORONAL })),
        t1(at('100345', 'Gd')),
      ],
    ],
    ['1 mm before 2 mm', 1, [ct(), ct({ SliceThickness: '1', slices: 440 })]],
    ['slices closer together', 1, [ct(), ct({ step: 1, slices: 440 })]],
    ['more of the body', 1, [ct({ slices: 150 }), ct()]],
    ['one T1 volume before four', 1, [t1({ times: 4 }), t1()]],
    ['fat-suppressed T1', 1, [t1({ ScanOptions: undefined }), t1()]],
    ['3D T1', 1, [t1({ MRAcquisitionType: '2D', RepetitionTime: '160', FlipAngle: '70' }), t1()]],
    ['thin T1', 1, [t1({ step: 4 }), t1()]],
    ['a longer T1', 1, [t1({ slices: 50 }), t1()]],
    ['one T2 volume before two', 1, [t2({ times: 2 }), t2()]],
    ['single-shot T2', 1, [t2({ EchoTrainLength: '20' }), t2()]],
    ['thin T2', 1, [t2(), t2({ step: 5 })]],
    ['a longer T2', 1, [t2({ slices: 20 }), t2()]],
    [
      'the opposed-phase echo is not chosen',
      1,
      [
        t1({ EchoTime: '1.2', ScanOptions: undefined, SliceThickness: '2' }),
        t1({ EchoTime: '2.4', ScanOptions: undefined }),
      ],
    ],
  ])('%s', (_, expected, series) => expect(chosen(...series)).toBe(expected));

  it('takes a coronal T2 only where no axial one exists', () => {
    const localizer = t2(says('localizer', { AcquisitionTime: '100000', ImageOrientationPatient: CORONAL }));
    const coronal = t2({ ImageOrientationPatient: CORONAL });
    expect(chosen(localizer, coronal)).toBe(1);
    expect(chosen(localizer, coronal, t2())).toBe(2);
  });

  it('takes the upper part of a long CT study for the chest, the lower for the pelvis', () => {
    const trunk = study('CT chest abdomen pelvis');
    const [chest, whole, pelvis] = decide(
      ct({ ...trunk, bottom: 0, slices: 160 }),
      ct({ ...trunk, bottom: -350, slices: 335 }),
      ct({ ...trunk, bottom: -350, slices: 100 }),
    );
    expect(chest).toMatchObject({ class: 'NONE', reason: expect.stringContaining('the chest') });
    expect(pelvis).toMatchObject({ class: 'NONE', reason: expect.stringContaining('the pelvis') });
    expect(whole).toMatchObject({ class: 'CT_ABDOMEN', chosen: true });
  });

  it('does not take a coronal angiography for a T1-weighted image', () => {
    const angiography = t1({ ImageOrientationPatient: CORONAL, FlipAngle: '30' });
    const [, decision] = decide(t2({ AcquisitionTime: '100000' }), angiography);
    expect(decision).toMatchObject({ class: 'NONE', reason: expect.stringContaining('angiography') });
  });

  it('refuses a large field of view in a study of small ones', () => {
    const small = t2({ PixelSpacing: ['0.6', '0.6'], AcquisitionTime: '100100' });
    expect(chosen(small, small, t2({ ...study(''), BodyPartExamined: 'ABDOMEN' }))).toBe(-1);
  });
});
