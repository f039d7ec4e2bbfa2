//! tagwall
pub mod addr;
pub mod packet;
