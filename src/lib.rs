//! tagwall
pub mod addr;
pub mod packet;
pub mod tags;
pub mod text;
