//! The declaration of a table: the one source of what its keys are called, accept and mean.

/// Declares a table and the struct that it is read into.
///
/// ```text
/// section! {
///     /// The purpose of the table, for the reference.
///     pub(crate) struct PoolSection = "[[devices]]";
///
///     /// The meaning of the key, for the reference.
///     pub(crate) heartbeat: Duration = duration(SECOND, HOUR), default "20s";
/// }
/// ```
///
/// A key is `NAME: TYPE = VALUE TYPE, PRESENCE, COMPARABILITY;`. The key is the name of the
/// field, or the text after `as` where the name is a word of Rust. The struct holds a
/// [`Field`](super::Field) of the type. The value type is a function of
/// [`value`](crate::value) or of [`nested`](super::nested). The presence is `required`,
/// `optional`, `default "VALUE"` or `numbered`. The comparability is `ignored`, `balancing`,
/// or absent where a difference counts.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $vis:vis struct $section:ident = $header:literal;
        $(
            $(#[doc = $key_about:literal])+
            $key_vis:vis $field:ident $(as $key:literal)? : $type:ty = $value_type:expr,
            $presence:ident $($default:literal)? $(, $comparability:ident)?;
        )+
    ) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        $vis struct $section {
            location: $crate::diagnostic::ValueLocation,
            $(
                $(#[doc = $key_about])+
                $key_vis $field: $crate::section::Field<$type>,
            )+
        }

        const _: () = {
            use $crate::{
                diagnostic::{DiagnosticSink, ValueLocation},
                section::{KeySchema, ReadKey, Section, SectionSchema, TableReader},
            };

            /// The position of each key.
            #[expect(non_camel_case_types, reason = "a position is called like its key")]
            enum Position {
                $($field),+
            }

            static KEYS: [KeySchema; [$(stringify!($field)),+].len()] = [$(
                KeySchema {
                    name: section!(@name $field $($key)?),
                    value_type: $crate::section::key::<$type, _>(const { &$value_type }),
                    presence: section!(@presence $presence $($default)?),
                    about: concat!($($key_about),+).trim_ascii(),
                    comparability: section!(@comparability $($comparability)?),
                }
            ),+];

            static SCHEMA: SectionSchema = SectionSchema {
                header: $header,
                about: concat!($($about),+).trim_ascii(),
                keys: &KEYS,
            };

            impl Section for $section {
                fn schema() -> &'static SectionSchema {
                    &SCHEMA
                }

                fn read(table: &TableReader<'_>, sink: &mut DiagnosticSink) -> Self {
                    Self {
                        location: table.location(),
                        $($field: ReadKey::<$type>::read_key(
                            &$value_type,
                            table,
                            &KEYS[Position::$field as usize],
                            sink,
                        ),)+
                    }
                }

                fn location(&self) -> &ValueLocation {
                    &self.location
                }
            }
        };
    };

    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $key:literal) => { $key };

    (@presence required) => { $crate::section::KeyPresence::Required };
    (@presence optional) => { $crate::section::KeyPresence::Optional };
    (@presence numbered) => { $crate::section::KeyPresence::Numbered };
    (@presence default $value:literal) => { $crate::section::KeyPresence::Default($value) };

    (@comparability) => { $crate::section::Comparability::Compared };
    (@comparability balancing) => { $crate::section::Comparability::Balancing };
    (@comparability ignored) => { $crate::section::Comparability::Ignored };
}
