// Companies and people who do not exist, with numbers that pass their check digits; the n-th is always the same one.

const USCC_SET = '0123456789ABCDEFGHJKLMNPQRTUWXY';

// GB 32100-2015: 17 characters and their check character.
export function uscc(seventeen) {
  let sum = 0;
  for (let i = 0, weight = 1; i < 17; i++, weight = (weight * 3) % 31) sum += USCC_SET.indexOf(seventeen[i]) * weight;
  return seventeen + USCC_SET[(31 - (sum % 31)) % 31];
}

// GB 11643-1999: 17 digits and their check character.
export function residentId(seventeen) {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((s, w, i) => s + w * Number(seventeen[i]), 0);
  return seventeen + '10X98765432'[sum % 11];
}

const digits = (n, width) => String(n).padStart(width, '0');

// A company with its legal representative, its agent and the phone of the account that applies. Every company has its
// own phones, because a phone gets at most one code of a kind in a minute.
export function company(n = 1) {
  return {
    name: n === 1 ? '杭州示范科技有限公司' : `杭州示范科技第${n}有限公司`,
    uscc: n === 1 ? '91350100M000100Y43' : uscc(`91330100MA2${digits(n, 6)}`),
    account: { phone: `136${digits(n, 8)}` },
    legalRep: { name: '王建国', idNumber: residentId(`330106197${n % 10}0312${digits(n % 1000, 3)}`), phone: `138${digits(n, 8)}` },
    agent: {
      name: '李四', idNumber: n === 1 ? '110101199003070134' : residentId(`110101199003${digits(1 + (n % 28), 2)}${digits(n % 1000, 3)}`),
      phone: `139${digits(n, 8)}`, email: `agent${n}@example.com`,
    },
  };
}
