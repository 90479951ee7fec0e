//! The compiled texts of a pool and the values of its devices.

use highwater_scenarios::{
    DataTable, Diagnostic, Plan, Segment, frames::ValueNames, plan::DevicePool,
};

use crate::{
    access::{ClientOptions, HeaderTemplates},
    keys::DeviceKey,
    worker::login::{CompiledLogin, TakenStore, TakenValues},
};

/// The compiled texts of a pool and the values of this worker's devices of it.
#[derive(Debug)]
pub struct PoolValues {
    /// The header fields of the target.
    pub headers: HeaderTemplates,
    /// The login; `None` where the pool has none.
    pub login: Option<CompiledLogin>,
    names: ValueNames,
    /// The number of workers. A device's place among those of its worker follows from it.
    workers: u64,
    rows: DataTable,
    taken: TakenStore,
}

impl PoolValues {
    /// Compiles the texts of every pool of `plan`. `rows` are the segment's rows of each pool.
    ///
    /// # Errors
    /// If a text has a placeholder without a value, which no checked plan has.
    pub fn compile_all(
        plan: &Plan,
        segment: Segment,
        rows: Vec<DataTable>,
        options: &ClientOptions,
    ) -> Result<Vec<Self>, Diagnostic> {
        // A plan without data has no rows for any pool.
        let rows = rows
            .into_iter()
            .chain(std::iter::repeat(DataTable::default()));
        let pools = plan.devices.iter().zip(rows);
        let pools = pools.map(|(pool, rows)| Self::compile(pool, segment, rows, options));
        pools.collect()
    }

    fn compile(
        pool: &DevicePool,
        segment: Segment,
        rows: DataTable,
        options: &ClientOptions,
    ) -> Result<Self, Diagnostic> {
        let mut names = ValueNames {
            environment: options.environment().names(),
            ..ValueNames::of_pool(pool)
        };
        let login = pool.login.as_ref();
        // Without a login, no device has a place for taken values.
        let places = login.map_or(0, |_| segment.share_of(pool.count) as usize);
        Ok(Self {
            headers: options.header_templates(&mut names)?,
            login: login
                .map(|login| CompiledLogin::compile(login, &mut names))
                .transpose()?,
            names,
            workers: segment.of().into(),
            rows,
            taken: TakenStore::new(places),
        })
    }

    /// Returns the names of the pool's values.
    pub fn names(&self) -> &ValueNames {
        &self.names
    }

    /// Appends a value of a device's last login; nothing before the first.
    pub fn append_taken(&self, key: DeviceKey, number: usize, out: &mut String) {
        let count = self.login_value_count();
        self.taken.read(self.place(key.index) as usize, |taken| {
            out.push_str(taken.value(number, count).unwrap_or_default());
        });
    }

    /// Returns the values that a device has from its row and its last login.
    pub fn of_device(&self, key: DeviceKey) -> Vec<String> {
        let columns = (0..self.names.columns.len()).filter_map(|column| self.column(key, column));
        let mut values: Vec<String> = columns.map(str::to_owned).collect();
        for number in 0..self.login_value_count() {
            let mut taken = String::new();
            self.append_taken(key, number, &mut taken);
            values.push(taken);
        }
        values
    }

    /// Whether a device must log in before its next socket.
    pub fn needs_login(&self, key: DeviceKey) -> bool {
        self.login.is_some() && !self.taken.has(self.place(key.index) as usize)
    }

    /// Keeps the values of a device's login.
    pub fn set_taken(&self, key: DeviceKey, values: TakenValues) {
        self.taken.set(self.place(key.index) as usize, values);
    }

    /// Returns the number of values that a login gives.
    pub fn login_value_count(&self) -> usize {
        self.names.of_login
    }

    /// Returns the value of a device in a column of the data file.
    pub fn column(&self, key: DeviceKey, column: usize) -> Option<&str> {
        self.rows.value(self.place(key.index), column)
    }

    /// Returns the place of a device among this worker's devices of the pool. A segment owns
    /// every device whose number is its own modulo the number of workers.
    fn place(&self, index: u64) -> u64 {
        index / self.workers
    }
}
