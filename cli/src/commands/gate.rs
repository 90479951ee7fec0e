//! `highwater gate`.
