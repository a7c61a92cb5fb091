import { patientKey, patientNumber, reportUid, studyUid } from './fill.ts';

/** A page or an answer that is measured. */
export interface MeasuredRequest {
  readonly name: string;
  readonly path: string;
  /** Sent as a form (pages) or as JSON (API). */
  readonly post?: Readonly<Record<string, string | number>>;
}

/** A day so many days ago: DA, with dashes as forms send it. */
const dayAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

const form = (name: string, words: string): MeasuredRequest => ({
  name: `search: ${name}`,
  path: '/',
  post: { when: 'all', words },
});

/** Every page and every answer of the API that reads the database. */
export function measuredRequests(studies: number): MeasuredRequest[] {
  const middle = Math.floor(studies / 2) + 7;
  const [uid, report] = [studyUid(middle - (middle % 1000)), reportUid(middle - (middle % 1000))];
  const patient = patientNumber(middle);
  const longAgo = { from: dayAgo(1400), to: dayAgo(1300) };
  const page = (name: string, query: string): MeasuredRequest => ({ name, path: `/${query}` });
  const api = (name: string, path: string): MeasuredRequest => ({
    name: `API: ${name}`,
    path: `/api${path}`,
  });
  return [
    page('dashboard, today', ''),
    page('dashboard, all', '?when=all'),
    page('page 2', '?when=all&offset=50'),
    page('a page in the middle', `?when=all&offset=${middle}`),
    page('the last page', `?when=all&offset=${studies - 50}`),
    page('state done', '?when=all&state=done'),
    page('state done, the last page', `?when=all&state=done&offset=${Math.floor(studies * 0.9) - 60}`),
    page('state failed', '?when=all&state=failed'),
    page('state running', '?when=all&state=running'),
    page('images T2W', '?when=all&class=T2W'),
    page('images T2W, in the middle', `?when=all&class=T2W&offset=${Math.floor(studies * 0.09)}`),
    page('study date, a month', `?when=all&from=${dayAgo(60)}&to=${dayAgo(30)}`),
    page('study date, long ago', `?when=all&from=${longAgo.from}&to=${longAgo.to}`),
    page('study date from', `?when=all&from=${longAgo.from}`),
    page('study date to', `?when=all&to=${longAgo.to}`),
    page('date, state and images', `?when=all&state=failed&class=CT&from=${longAgo.from}&to=${longAgo.to}`),
    form('patient id', `P${String(patient).padStart(8, '0')}`),
    form('accession number', `a${String(middle).padStart(9, '0')}`),
    form('study UID', uid),
    form('name, latin', "o'brien"),
    form('name, cyrillic', 'иванова ЕЛЕНА'),
    form('name, cyrillic, part', 'ванов наталь'),
    form('name, greek', 'παπαδ ελένη'),
    form('name, one character', '王'),
    form('name, two characters', '山田 太郎'),
    form('name, arabic', 'حسن علي'),
    form('name, thai', 'สมชาย ใจดี'),
    form('name and id', `jörg ${String(patient).padStart(8, '0')}`),
    form('description', 'pankreas'),
    form('description, chinese', '平扫'),
    form('in nearly all', 'maker model'),
    form('in all, two letters', 'ma'),
    form('nothing has it', 'xyzzy'),
    form('nothing has it, two letters', 'qq'),
    page('study page', `studies/${uid}`),
    page('patient page', `patients/${patientKey(middle)}`),
    page('quality page', 'quality'),
    page('quality page, long ago', `quality?month=${dayAgo(1000).slice(0, 7)}`),
    page('candidates page', 'candidates'),
    api('studies', '/studies'),
    api('studies, 500', '/studies?limit=500'),
    api('studies, the last', `/studies?offset=${studies - 100}`),
    { name: 'API: search', path: '/api/studies/search', post: { words: 'ελένη', limit: 100 } },
    api('study', `/studies/${uid}`),
    api('failed', '/failed'),
    api('failed, the last', `/failed?offset=${Math.floor(studies / 1100)}`),
    api('patient', `/patients/${patientKey(middle)}/volumes`),
    api('patient, CSV', `/patients/${patientKey(middle)}/volumes.csv`),
    // The archive has no images: what is measured is how soon the result is found and that said.
    api('result', `/results/${report}/images`),
    api('models', '/models'),
    { name: 'metrics', path: '/metrics' },
    { name: 'health', path: '/healthz' },
    { name: 'readiness', path: '/readyz' },
  ];
}
