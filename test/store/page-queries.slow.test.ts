import { describe } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import { notificationsBehaviour } from '../support/notifications-behaviour.ts';
import { pageQueriesBehaviour } from '../support/page-queries-behaviour.ts';

const open = () => openDatabase({ memory: true });

describe('what pages show, in an embedded database', () => {
  pageQueriesBehaviour(open);
});
describe('notifications, in an embedded database', () => {
  notificationsBehaviour(open);
});
