import { expect, it } from 'vitest';
import { loadConfig, masked } from '../../src/config.ts';

const load = (overrides: Readonly<Record<string, unknown>>) => () =>
  loadConfig({ environment: {}, overrides });

it('a viewer address that would run script, or that leaves the study out, is refused', () => {
  for (const viewerUrl of [
    'javascript:alert(1)//{studyInstanceUid}',
    'data:text/html,{studyInstanceUid}',
    '//evil.example.org/{studyInstanceUid}',
    'https://viewer.example.org/viewer',
  ]) {
    expect(load({ pages: { viewerUrl } }), viewerUrl).toThrow('pages.viewerUrl');
  }
  const viewerUrl = 'https://viewer.example.org/viewer?StudyInstanceUIDs={studyInstanceUid}';
  expect(load({ pages: { viewerUrl } })().pages.viewerUrl).toBe(viewerUrl);
});

it('a notification that could not be signed or sent is refused; its secrets are never printed', () => {
  const url = 'https://hooks.example.org/x';
  const smtp = 'smtp://user:password@mail.example.org';
  expect(load({ notifications: { webhook: { url } } })).toThrow('notifications.webhook.secret');
  expect(load({ notifications: { webhook: { url, secret: 'short' } } })).toThrow('secret');
  expect(load({ notifications: { email: { smtp, from: 'a@example.org' } } })).toThrow('from and to');
  const config = load({
    notifications: {
      webhook: { url, secret: 'long enough to sign' },
      email: { smtp, from: 'a@example.org', to: ['b@example.org'] },
    },
  })();
  expect(JSON.stringify(masked(config))).not.toMatch(/long enough|password@/);
});
